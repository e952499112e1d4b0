Feature: A partition limits a rolling update to the higher ordinals
  A new version can be tried on the last members of a set first.
  Source: Kubernetes documentation, StatefulSet, partitioned rolling updates.

  Rule: Pods at or above the partition move to the new revision, highest ordinal first

    @part-phased @upd-reverse-order
    Scenario: Pods below the partition are left alone
      Given the set "web" is settled with 5 replicas at revision "blue"
      And its rolling update is partitioned at ordinal 3
      When its template changes to revision "green"
      Then the pods move to "green" in the order "web-4", "web-3"
      And pods "web-0" to "web-2" are the same as before
      And at no time is more than 1 pod of "web" unavailable

    @part-canary
    Scenario: A canary is exactly the last pod
      Given the set "web" is settled with 3 replicas at revision "blue"
      And its rolling update is partitioned at ordinal 2
      When its template changes to revision "green"
      Then the pods move to "green" in the order "web-2"
      And pods "web-0" and "web-1" are the same as before

    @part-none
    Scenario: A partition at or above the number of replicas updates nothing
      Given the set "web" is settled with 3 replicas at revision "blue"
      And its rolling update is partitioned at ordinal 3
      When its template changes to revision "green"
      Then its update revision becomes "green"
      And its current revision stays "blue"
      And its status counts 0 updated replicas
      And pods "web-0" to "web-2" are the same as before

  Rule: Lowering the partition updates exactly the pods that it gives free

    @part-phased
    Scenario: From three to one
      Given the rollout of "web" with 5 replicas from "blue" to "green" rests at partition 3
      When its rolling update is partitioned at ordinal 1
      Then the pods move to "green" in the order "web-2", "web-1"
      And pods "web-0", "web-3" and "web-4" are the same as before

    @part-zero-completes
    Scenario: To zero
      Given the rollout of "web" with 4 replicas from "blue" to "green" rests at partition 2
      When its rolling update is partitioned at ordinal 0
      Then the pods move to "green" in the order "web-1", "web-0"
      And its current revision becomes "green"

    @part-phased @upd-wait-running-ready
    Scenario: A phase waits for a probe
      Given the set "web" is planned
      And its pods answer a probe
      And its template changes to revision "blue"
      And its rolling update is partitioned at ordinal 1
      And the set "web" is created with 3 replicas
      And the probe of pods "web-0" to "web-2" succeeds
      When its template changes to revision "green"
      Then pod "web-2" is replaced at revision "green"
      And pods "web-0" and "web-1" are the same as before

  Rule: While the partition holds pods back the update is not complete

    @part-not-complete
    Scenario: All pods are Ready and the current revision stays
      Given the rollout of "web" with 4 replicas from "blue" to "green" rests at partition 2
      Then its current revision stays "blue"
      And its status counts 2 current replicas
      And its status counts 2 updated replicas

  Rule: Raising the partition takes no update back

    @part-raise-no-revert
    Scenario: Updated pods stay
      Given the rollout of "web" with 4 replicas from "blue" to "green" rests at partition 2
      When its rolling update is partitioned at ordinal 4
      Then pods "web-0" to "web-3" are the same as before

    @part-raise-no-revert
    Scenario: A pod that is lost below the raised partition returns at the old revision
      Given the rollout of "web" with 4 replicas from "blue" to "green" rests at partition 2
      And its rolling update is partitioned at ordinal 4
      When pod "web-3" is lost
      Then pod "web-3" is replaced at revision "blue"

  Rule: Going back to the old template takes a canary back

    @part-rollback
    Scenario: The canary returns to the old revision
      Given the rollout of "web" with 3 replicas from "blue" to "green" rests at partition 2
      When its template changes to revision "blue"
      Then the pods move to "blue" in the order "web-2"
      And pods "web-0" and "web-1" are the same as before
      And its update revision becomes "blue"
      And its current revision becomes "blue"
