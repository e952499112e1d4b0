Feature: The status counts the pods that there are
  Autoscalers, dashboards and rollout scripts read these numbers instead of listing pods.
  Source: Kubernetes API reference, StatefulSetStatus.

  Rule: Every pod of the set counts as a replica, whatever state it is in

    @st-replicas
    Scenario: Pods that are not Ready
      Given readiness of pods "web-1" and "web-2" is withheld
      And the set "web" is planned
      And its pod management policy is Parallel
      When the set "web" is created with 3 replicas
      Then its status counts 3 replicas
      And its status counts 1 Ready replica

    @st-replicas
    Scenario: A pod beyond the range that is still on its way out
      Given the set "web" is planned
      And its pods take their time to end
      And the set "web" is settled with 3 replicas
      When the set "web" is scaled to 1
      Then its status counts 2 current replicas
      And its status counts 3 replicas

    @st-replicas-lag
    Scenario: Pods that were all created at once
      Given the set "web" is planned
      And its pod management policy is Parallel
      When the set "web" is created with 5 replicas
      Then its status counts 5 replicas
      And its status counts 5 updated replicas

  Rule: A Ready replica is a pod that is Running and Ready

    @st-ready
    Scenario: A pod stops being Ready
      Given the set "web" is settled with 3 replicas
      When readiness of pod "web-1" is lost
      Then its status counts 2 Ready replicas
      And its status counts 3 replicas

    @st-ready
    Scenario: It is Ready again
      Given the set "web" is settled with 3 replicas
      And readiness of pod "web-1" is lost
      And its status counts 2 Ready replicas
      When readiness of pod "web-1" is granted
      Then its status counts 3 Ready replicas

  Rule: A pod that terminates leaves the counts of its revision at once, and the others when it is gone

    @st-unready-terminating-current @st-current @st-replicas @st-ready
    Scenario: A pod that takes its time to end
      Given the set "web" is planned
      And its pods take their time to end
      And the set "web" is settled with 3 replicas
      When pod "web-1" is lost
      Then its status counts 2 current replicas
      And its status counts 2 updated replicas
      And its status counts 3 Ready replicas
      And its status counts 3 replicas

  Rule: Between two revisions each pod counts for the one that it was made from

    @st-current @st-updated
    Scenario: One revision counts twice
      Given the set "web" is settled with 3 replicas
      Then its status counts 3 current replicas
      And its status counts 3 updated replicas

    @st-partition-meaning @st-current @st-updated
    Scenario: A canary
      Given the rollout of "web" with 5 replicas from "blue" to "green" rests at partition 3
      Then its status counts 3 current replicas
      And its status counts 2 updated replicas
      And its status counts 5 replicas

    @st-partition-three-revisions
    Scenario: A canary that was overtaken counts for neither
      Given the rollout of "web" with 3 replicas from "blue" to "green" rests at partition 2
      And its rolling update is partitioned at ordinal 3
      When its template changes to revision "red"
      Then its update revision becomes "red"
      And its status counts 2 current replicas
      And its status counts 0 updated replicas
      And its status counts 3 replicas

    @st-never-negative
    Scenario: A canary that was overtaken is replaced
      Given the rollout of "web" with 3 replicas from "blue" to "green" rests at partition 1
      And its rolling update is partitioned at ordinal 3
      And its template changes to revision "red"
      When its rolling update is partitioned at ordinal 0
      Then the pods move to "red" in the order "web-2", "web-1", "web-0"
      And its status counts 3 current replicas

    @st-current-undercount
    Scenario: The last pod goes while none is at the current revision
      Given the set "web" is planned
      And its pod management policy is Parallel
      And the set "web" is settled with 1 replica at revision "blue"
      And readiness of pod "web-0" is withheld
      And its template changes to revision "green"
      And pod "web-0" is replaced at revision "green"
      When its template changes to revision "red"
      Then pod "web-0" is replaced at revision "red"
      And its status counts 0 current replicas
      And its update revision becomes "red"

  Rule: In a rollout the pods at the new revision become more, never fewer

    @st-order-monotone-rollout
    Scenario: Four pods, one after the other
      Given the set "web" is settled with 4 replicas at revision "blue"
      When its template changes to revision "green"
      Then the pods move to "green" in the order "web-3", "web-2", "web-1", "web-0"
      And the number of updated replicas never falls
