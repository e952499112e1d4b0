Feature: Claims go with the pods of a set that shrinks if it says so
  A set that is scaled to the demand pays for what it needs, and loses no data of members that stay.
  Source: Kubernetes documentation, StatefulSet, PersistentVolumeClaim retention, whenScaled.

  Background:
    Given the set "db" is planned
    And its pods claim storage "data"
    And its claim retention when scaled is Delete

  Rule: The claims of pods that leave go with them, all others stay

    @ret-scaled-gc
    Scenario: A set shrinks
      Given the set "db" is settled with 4 replicas
      When the set "db" is scaled to 2
      Then claims "data-db-2" and "data-db-3" disappear
      And pod "db-2" is gone before claim "data-db-2"
      And claims "data-db-0" and "data-db-1" are the same as before

    @ret-scale-zero
    Scenario: A set is emptied
      Given the set "db" is settled with 2 replicas
      When the set "db" is scaled to 0
      Then claims "data-db-0" and "data-db-1" disappear

    @ret-ordinal-shift
    Scenario: Pods below the first ordinal leave too
      Given the set "db" is settled with 3 replicas
      When its first ordinal becomes 2
      Then the set "db" settles with pods "db-2" to "db-4"
      And claims "data-db-0" and "data-db-1" disappear
      And claim "data-db-2" is the same as before

    @ret-preprovisioned-too
    Scenario: Somebody made the claim
      Given the claim "data-db-1" is created by hand for "1Mi"
      And the set "db" is settled with 2 replicas
      When the set "db" is scaled to 1
      Then claim "data-db-1" disappears

  Rule: A set that grows again gets new claims

    @ret-start-shift-back
    Scenario: The first ordinal is raised and lowered again
      Given the set "db" is settled with 3 replicas
      And its first ordinal becomes 2
      And the set "db" settles with pods "db-2" to "db-4"
      And claims "data-db-0" and "data-db-1" disappear
      When its first ordinal becomes 0
      Then the set "db" settles with pods "db-0" to "db-2"
      And claims "data-db-0" and "data-db-1" are created
      And the pods of "db" are created in the order "db-0", "db-1"
      And claims "data-db-0" to "data-db-2" belong to nobody

    @ret-quick-down-up
    Scenario: A pod waits until the claim of the one that left is gone
      Given the set "db" is settled with 2 replicas
      And the end of claim "data-db-1" is held up
      And the set "db" is scaled to 1
      And pod "db-1" disappears
      When the set "db" is scaled to 2
      Then pod "db-1" stays missing

    @ret-quick-down-up
    Scenario: It comes with a new claim
      Given the set "db" is settled with 2 replicas
      And the end of claim "data-db-1" is held up
      And the set "db" is scaled to 1
      And pod "db-1" disappears
      And the set "db" is scaled to 2
      And the end of claim "data-db-1" is let through
      And claim "data-db-1" disappears
      When the annotation "stsspec.dev/note" of set "db" changes to "look again"
      Then the set "db" settles with pods "db-0" and "db-1"
      And claim "data-db-1" belongs to nobody

  Rule: A pod that is only replaced keeps its claims

    @ret-pod-restart-keeps
    Scenario Outline: A pod <fate>
      Given the set "db" is settled with 2 replicas
      When pod "db-1" <fate>
      Then pod "db-1" is replaced
      And claim "data-db-1" is the same as before

      Examples:
        | fate             |
        | is lost          |
        | is lost by force |
        | fails            |

    @ret-pod-restart-keeps
    Scenario: A rolling update
      Given the set "db" is settled with 2 replicas at revision "blue"
      When its template changes to revision "green"
      Then the pods move to "green" in the order "db-1", "db-0"
      And claims "data-db-0" and "data-db-1" are the same as before

  Rule: Claims whose pods the controller could not prepare stay

    @ret-blocked-scale-down-claim-leak
    Scenario: Somebody else deletes a pod that waits to leave
      Given the set "db" is settled with 3 replicas
      And readiness of pod "db-0" is lost
      And the set "db" is scaled to 1
      When pod "db-2" is lost
      Then pod "db-2" stays missing
      And claim "data-db-2" is the same as before
      And claim "data-db-2" belongs to nobody

  Rule: A controller that ends on the way finishes what it began

    @ret-crash-between
    Scenario: It ends before it deletes the pod whose claim it prepared
      Given the set "db" is settled with 3 replicas
      And the controller's next 1 request to delete pods meets a crash before it
      When the set "db" is scaled to 2
      Then the set "db" settles with pods "db-0" and "db-1"
      And claim "data-db-2" disappears
      And claims "data-db-0" and "data-db-1" are the same as before
