Feature: The first ordinal can be moved while pods run
  Members move from one set to another one by one, and those in both ranges notice nothing.
  Source: Kubernetes documentation, StatefulSet, start ordinal; KEP-3335.

  Rule: When it is raised the low ordinals go and the new high ones come

    @start-increase @start-overlap-kept
    Scenario: From zero to two
      Given the set "web" is settled with 3 replicas
      When its first ordinal becomes 2
      Then the set "web" settles with pods "web-2", "web-3" and "web-4"
      And pod "web-2" is the same as before

    @start-increase-order
    Scenario: The new ones come before the others go
      Given the set "web" is settled with 2 replicas
      When its first ordinal becomes 1
      Then the set "web" settles with pods "web-1" and "web-2"
      And pod "web-0" is never deleted while "web-2" is not Ready

    @start-condemned-below
    Scenario: Those below the range go from the highest down
      Given the set "web" is settled with 3 replicas
      When its first ordinal becomes 3
      Then the set "web" settles with pods "web-3", "web-4" and "web-5"
      And the pods of "web" are deleted in the order "web-2", "web-1", "web-0"

    @start-condemned-below
    Scenario: Those below and above the range go in one order
      Given the set "web" is planned
      And its first ordinal is 2
      And the set "web" is settled with 4 replicas
      When its description says
        """
        spec: {replicas: 2, ordinals: {start: 3}}
        """
      Then the set "web" settles with pods "web-3" and "web-4"
      And the pods of "web" are deleted in the order "web-5", "web-2"

  Rule: When it is lowered the low ordinals come and the high ones go

    @start-decrease @start-overlap-kept
    Scenario: From two to one
      Given the set "web" is planned
      And its first ordinal is 2
      And the set "web" is settled with 3 replicas
      When its first ordinal becomes 1
      Then the set "web" settles with pods "web-1", "web-2" and "web-3"
      And pods "web-2" and "web-3" are the same as before

  Rule: It can be set and removed like any other

    @start-set
    Scenario: It is set together with the number of replicas
      Given the set "web" is settled with 2 replicas
      When its description says
        """
        spec: {replicas: 3, ordinals: {start: 1}}
        """
      Then the set "web" settles with pods "web-1", "web-2" and "web-3"
      And pod "web-1" is the same as before

    @start-remove
    Scenario: It is removed
      Given the set "web" is planned
      And its first ordinal is 1
      And the set "web" is settled with 2 replicas
      When its first ordinal becomes none
      Then the set "web" settles with pods "web-0" and "web-1"
      And pod "web-1" is the same as before

  Rule: A change of it is no change of the template

    @start-no-rollout
    Scenario: The range moves by one
      Given the set "web" is settled with 3 replicas
      When its first ordinal becomes 1
      Then the set "web" settles with pods "web-1", "web-2" and "web-3"
      And it has 1 revision
      And pods "web-1" and "web-2" are the same as before

  Rule: Where nothing more can be created, nothing goes either

    @start-quota-deadlock
    Scenario Outline: The quota of pods is used up under the policy <policy>
      Given the set "web" is planned
      And its pod management policy is <policy>
      And the set "web" is settled with 2 replicas
      And the namespace allows 2 pods
      When its first ordinal becomes 1
      Then pod "web-2" stays missing
      And pods "web-0" and "web-1" are the same as before

      Examples:
        | policy       |
        | OrderedReady |
        | Parallel     |

  Rule: A partition moves with it

    @part-start-shift
    Scenario: A pod that was below the partition is above it afterwards
      Given the set "web" is planned
      And its first ordinal is 1
      And the rollout of "web" with 4 replicas from "blue" to "green" rests at partition 2
      When its first ordinal becomes 0
      Then pod "web-2" is replaced at revision "green"
      And pods "web-1" and "web-3" are the same as before

  Rule: Members can move to another set one by one, each with its ordinal

    @start-migrate
    Scenario: The last of three moves to a set of the same name elsewhere
      Given the set "web" is settled with 3 replicas
      And the set "web" is scaled to 2
      And pod "web-2" disappears
      And from here on the other namespace is meant
      And the set "web" is planned
      And its first ordinal is 2
      When the set "web" is created with 1 replica
      Then the set "web" settles with pod "web-2"
      And from here on the first namespace is meant
      And pod "web-2" stays missing
      And the set "web" settles with pods "web-0" and "web-1"
