Feature: A namespace ends with everything in it
  A set in a namespace that is being deleted does not keep it alive.
  Source: Kubernetes documentation, namespaces.

  Rule: The set goes, its pods and claims go, and nothing comes back

    @x-namespace-deletion
    Scenario: A namespace with a set that has claims
      Given from here on the other namespace is meant
      And the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 2 replicas
      When the namespace is deleted
      Then nothing is left in the namespace, and the namespace is gone
