Feature: A set can be switched to Recreate and back
  Whoever has to cross an incompatible version needs Recreate once.
  Source: KEP-3541, StatefulSet Recreate update strategy; feature gate StatefulSetRecreateStrategy.

  Rule: Where all pods are at the update revision a switch restarts none

    @rcr-type-switch-inert
    Scenario: From RollingUpdate to Recreate
      Given the set "web" is settled with 3 replicas at revision "blue"
      When its update strategy becomes Recreate
      Then pods "web-0" to "web-2" are the same as before
      And it has 1 revision

    @rcr-type-switch-inert
    Scenario: From Recreate to RollingUpdate
      Given the set "web" is planned
      And its update strategy is Recreate
      And the set "web" is settled with 3 replicas at revision "blue"
      When its update strategy becomes RollingUpdate
      Then pods "web-0" to "web-2" are the same as before
      And it has 1 revision

  Rule: In the middle of a canary all old pods go at once

    @rcr-type-switch-mid-canary
    Scenario: Two of four are old
      Given the rollout of "web" with 4 replicas from "blue" to "green" rests at partition 2
      And the end of pods "web-0" to "web-3" is held up
      When its update strategy becomes Recreate
      Then only pods "web-0" and "web-1" of "web" begin to terminate

  Rule: A switch to RollingUpdate on the way lets new pods come beside old ones

    @rcr-strategy-edit-mid
    Scenario: An old pod cannot end
      Given the set "web" is planned
      And its update strategy is Recreate
      And the set "web" is settled with 3 replicas at revision "blue"
      And the end of pod "web-2" is held up
      And its template changes to revision "green"
      And pods "web-0" and "web-1" disappear
      When its update strategy becomes RollingUpdate
      Then pods "web-0" and "web-1" are at revision "green"
      And pod "web-2" is at revision "blue"

    @rcr-strategy-edit-mid
    Scenario: Once it has ended it comes back too
      Given the set "web" is planned
      And its update strategy is Recreate
      And the set "web" is settled with 3 replicas at revision "blue"
      And the end of pod "web-2" is held up
      And its template changes to revision "green"
      And pods "web-0" and "web-1" disappear
      And its update strategy becomes RollingUpdate
      And pods "web-0" and "web-1" become Ready
      When the end of pod "web-2" is let through
      Then pod "web-2" is replaced at revision "green"
      And its current revision becomes "green"

  Rule: Where the feature gate is off no set can be switched

    @rcr-gate-off
    Scenario: A new set
      When the refused object "stateful-set/recreate-strategy" is submitted
      Then the request is refused as "422 Invalid"
        | reason            | field               |
        | FieldValueInvalid | spec.updateStrategy |

    @rcr-gate-off
    Scenario: A set that is there
      When the refused object "stateful-set/changed-strategy-to-recreate" is submitted
      Then the request is refused as "422 Invalid"
        | reason            | field               |
        | FieldValueInvalid | spec.updateStrategy |
