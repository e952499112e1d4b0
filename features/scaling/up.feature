Feature: A set grows in ordinal order
  New members join above the ones that are there.
  Source: Kubernetes documentation, StatefulSet, deployment and scaling guarantees; scale a StatefulSet.

  Rule: New ordinals appear in ascending order, each only when all before it are Running and Ready

    @scale-up-order
    Scenario: A set grows from two to five
      Given the set "web" is settled with 2 replicas
      When the set "web" is scaled to 5
      Then all pods of "web" become Ready
      And the pods of "web" are created in the order "web-2", "web-3", "web-4"
      And pod "web-3" is never created while "web-2" is not Ready
      And pods "web-0" and "web-1" are the same as before

    @scale-up-order
    Scenario: A pod that is not Ready holds back the next one
      Given the set "web" is settled with 1 replica
      And readiness of new pods is withheld
      When the set "web" is scaled to 4
      Then pod "web-1" becomes Running
      And pods "web-2" and "web-3" stay missing
