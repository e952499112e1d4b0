Feature: A name that is taken does not stop a set
  Two templates may have one hash, and somebody may have made an object of that name.
  Source: the StatefulSet controller of Kubernetes, collisionCount; StatefulSet API reference.

  Rule: Another name is used, and the object that is there is left alone

    @rev-collision
    Scenario: Other data under the name
      Given the set "web" is settled with 2 replicas at revision "blue"
      And a revision of the same name holds other data than the template of "green"
      When its template changes to revision "green"
      Then the pods move to "green" in the order "web-1", "web-0"
      And its current revision becomes "green"
      And the revision made by hand is untouched

    @rev-collision-count
    Scenario: The status counts it
      Given the set "web" is settled with 1 replica at revision "blue"
      And a revision of the same name holds other data than the template of "green"
      When its template changes to revision "green"
      Then its update revision becomes "green"
      And its collision count becomes 1

  Rule: Equal data under the name is used as it is

    @rev-collision-same-data
    Scenario: The object stays whose it was
      Given the set "web" is settled with 1 replica at revision "blue"
      And a revision of the same name holds the template of "green"
      When its template changes to revision "green"
      Then the revision made by hand is its update revision
      And pod "web-0" is replaced
      And the revision made by hand is untouched
      And its collision count becomes 0
