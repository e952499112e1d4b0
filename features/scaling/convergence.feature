Feature: A set ends at the size that was asked for last
  Scaling is a wish for a state, not a list of orders.
  Source: Kubernetes API reference, StatefulSet, spec.replicas.

  Rule: However often the size changes, the set converges to the last one

    @scale-flap
    Scenario: A restless autoscaler
      Given the set "web" is settled with 3 replicas
      When the set "web" is scaled to 5, 1, 4, 0 and 3 in quick succession
      Then the set "web" settles with pods "web-0", "web-1" and "web-2"

  Rule: A set that was emptied comes back with the same identities and claims

    @scale-to-zero-and-back @pvc-reattached-scale-up
    Scenario: Down to zero and back
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 2 replicas
      And the set "db" is scaled to 0
      And pods "db-1" and "db-0" disappear
      When the set "db" is scaled to 2
      Then the set "db" settles with pods "db-0" and "db-1"
      And claims "data-db-0" and "data-db-1" are the same as before
      And the new "db-1" has the labels of the old one
      And the new "db-1" has the claims of the old one

  Rule: While a set is being scaled no pod is deleted for an update

    @scale-before-update
    Scenario: The template changes while a pod is on its way out
      Given the set "web" is settled with 3 replicas at revision "blue"
      And the end of pod "web-2" is held up
      And the set "web" is scaled to 2
      And pod "web-2" begins to terminate
      When its template changes to revision "green"
      Then pods "web-0" and "web-1" are the same as before

    @scale-before-update
    Scenario: The template changes while a pod is missing
      Given the set "web" is settled with 2 replicas at revision "blue"
      And readiness of new pods is withheld
      And the set "web" is scaled to 3
      And pod "web-2" becomes Running
      When its template changes to revision "green"
      Then pods "web-0" and "web-1" are the same as before

  Rule: Pods that are added during a partitioned update get the revision of their side of the partition

    @scale-revision-of-new-pods
    Scenario: A set grows during a partitioned update
      Given the rollout of "web" with 3 replicas from "blue" to "green" rests at partition 4
      When the set "web" is scaled to 6
      Then pod "web-3" is at revision "blue"
      And pods "web-4" and "web-5" are at revision "green"

  Rule: A set that is emptied during a partitioned update comes back with the new template

    @scale-zero-during-partition
    Scenario: Down to zero and back
      Given the rollout of "web" with 3 replicas from "blue" to "green" rests at partition 2
      And the set "web" is scaled to 0
      And pods "web-2", "web-1" and "web-0" disappear
      When the set "web" is scaled to 3
      Then pods "web-0" to "web-2" are at revision "green"
