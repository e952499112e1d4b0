Feature: A set without replicas is a set
  A set can be declared before it is needed, and emptied without being deleted.
  Source: Kubernetes API reference, StatefulSet, spec.replicas and status.

  Rule: With no replicas no pod is created, and the set has a revision and a status

    @ord-replicas-zero
    Scenario: Nothing but a revision
      Given the set "web" is planned
      And its template changes to revision "blue"
      When the set "web" is created with 0 replicas
      Then its current revision becomes "blue"
      And its update revision becomes "blue"
      And it has 1 revision
      And no pod of "web" is created
