Feature: The status is written when it has something to say
  Every write wakes whoever watches; a write that is missing leaves them with yesterday's numbers.
  Source: Kubernetes API reference, StatefulSetStatus, observedGeneration; API conventions, status.

  Rule: Each change of the specification is answered by its generation

    @st-observed-generation
    Scenario: Two changes
      Given the set "web" is settled with 1 replica
      And the set "web" is scaled to 2
      When the set "web" is scaled to 3
      Then its observed generation becomes 3
      And the set "web" settles with pods "web-0" to "web-2"

    @st-observed-generation
    Scenario: A label is no change of the specification
      Given the set "web" is settled with 1 replica
      And the label "colour" of set "web" changes to "green"
      When the set "web" is scaled to 2
      Then its observed generation becomes 2

  Rule: What cannot be done is no reason to be silent

    @st-on-error
    Scenario: A pod is denied
      Given the namespace allows 2 pods
      And the set "web" is settled with 2 replicas
      When the set "web" is scaled to 4
      Then its observed generation becomes 2
      And its status counts 2 replicas

    @st-on-error
    Scenario: A pod that is there stops being Ready meanwhile
      Given the namespace allows 2 pods
      And the set "web" is planned
      And its pod management policy is Parallel
      And the set "web" is created with 3 replicas
      And its status counts 2 Ready replicas
      When readiness of pod "web-0" is lost
      Then its status counts 1 Ready replica

  Rule: The status of a set that is being deleted goes on

    @st-during-deletion
    Scenario: A pod stops being Ready
      Given the set "web" is settled with 3 replicas
      And the end of set "web" is held up
      And the set "web" is deleted
      When readiness of pod "web-1" is lost
      Then its status counts 2 Ready replicas

    @st-during-deletion
    Scenario: A pod goes
      Given the set "web" is settled with 3 replicas
      And the end of set "web" is held up
      And the set "web" is deleted
      When pod "web-1" is lost
      Then its status counts 2 replicas
      And pod "web-1" stays missing

  Rule: Where nothing happens, nothing is written

    @st-no-write-when-equal @ev-no-flood
    Scenario: A set at rest
      Given the set "web" is settled with 3 replicas
      Then nothing about "web" changes any more

    @st-no-write-when-equal @ev-no-flood
    Scenario: A rollout that rests
      Given the rollout of "web" with 4 replicas from "blue" to "green" rests at partition 2
      Then nothing about "web" changes any more
