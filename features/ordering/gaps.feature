Feature: Gaps are filled from the bottom
  A set that lost several members comes back in the order in which it started.
  Source: Kubernetes documentation, StatefulSet, pod management policies, OrderedReady.

  Rule: Of several missing pods the one with the lowest ordinal is created first

    @ord-lowest-gap-first
    Scenario: Two gaps are filled in ascending order
      Given the set "web" is settled with 4 replicas
      And the end of pod "web-0" is held up
      And pods "web-0", "web-1" and "web-3" are lost together
      And pods "web-1" and "web-3" disappear
      When the end of pod "web-0" is let through
      Then the set "web" settles with pods "web-0" to "web-3"
      And the pods of "web" are created in the order "web-0", "web-1", "web-3"

    @ord-lowest-gap-first @ord-higher-waits-for-lower
    Scenario: The upper gap stays while the lower one is filled by a pod that is not Ready
      Given the set "web" is settled with 4 replicas
      And readiness of pod "web-1" is withheld
      And the end of pod "web-0" is held up
      And pods "web-0", "web-1" and "web-3" are lost together
      And pods "web-1" and "web-3" disappear
      When the end of pod "web-0" is let through
      Then pod "web-1" becomes Running
      And pod "web-3" stays missing

  Rule: A missing pod does not wait for pods with a higher ordinal

    @ord-lower-refill-ignores-higher @ord-one-unready-creation
    Scenario: A lost pod comes back although its successor is not Ready
      Given the set "web" is settled with 3 replicas
      And readiness of pod "web-2" is lost
      When pod "web-0" is lost
      Then pod "web-0" is replaced
      And pod "web-2" stays not Ready
