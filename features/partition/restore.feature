Feature: A pod below the partition keeps its revision
  A canary stays a canary, whatever happens to the other members.
  Source: Kubernetes documentation, StatefulSet, partitioned rolling updates.

  Rule: A pod that is lost below the partition returns at the old revision

    @part-restore @rec-revision-below-partition
    Scenario: One pod
      Given the rollout of "web" with 5 replicas from "blue" to "green" rests at partition 3
      When pod "web-1" is lost
      Then pod "web-1" is replaced at revision "blue"
      And pods "web-3" and "web-4" are the same as before

    @part-restore @rec-revision-below-partition
    Scenario: Again and again
      Given the rollout of "web" with 3 replicas from "blue" to "green" rests at partition 2
      And pod "web-1" is lost
      And the set "web" settles with pods "web-0" to "web-2"
      When pod "web-1" is lost
      Then pod "web-1" is replaced at revision "blue"

    @part-restore
    Scenario: All of them at once
      Given the rollout of "web" with 4 replicas from "blue" to "green" rests at partition 2
      When pods "web-0" and "web-1" are lost together
      Then pods "web-0" and "web-1" are replaced at revision "blue"

    @rec-revision-below-partition
    Scenario: A pod that failed
      Given the rollout of "web" with 3 replicas from "blue" to "green" rests at partition 2
      When pod "web-0" fails
      Then pod "web-0" is replaced at revision "blue"

    @rec-revision-below-partition
    Scenario: A pod whose end was held up
      Given the rollout of "web" with 3 replicas from "blue" to "green" rests at partition 2
      And the end of pod "web-1" is held up
      And pod "web-1" is lost
      When the end of pod "web-1" is let through
      Then pod "web-1" is replaced at revision "blue"

  Rule: A pod that is lost at or above the partition returns at the new revision

    @rec-revision-at-or-above
    Scenario: The canary is lost
      Given the rollout of "web" with 4 replicas from "blue" to "green" rests at partition 2
      When pod "web-3" is lost
      Then pod "web-3" is replaced at revision "green"
      And pods "web-0" to "web-2" are the same as before
