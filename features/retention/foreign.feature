Feature: Claims that others own are theirs
  An operator that manages claims of its own is not overruled.
  Source: KEP-1847; kubernetes/kubernetes#122499.

  Background:
    Given a one-off pod "keeper" runs
    And the set "db" is planned
    And its pods claim storage "data"

  Rule: A claim that somebody else controls never belongs to the set or its pods

    @ret-foreign-controller
    Scenario: The fate of claims changes
      Given the set "db" is settled with 2 replicas
      And pod "keeper" is made the controller of claim "data-db-1"
      When its claim retention when deleted becomes Delete
      Then claim "data-db-0" belongs to set "db"
      And claim "data-db-1" belongs to pod "keeper"

    @ret-foreign-controller
    Scenario: A reference to the set is taken away
      Given its claim retention when deleted is Delete
      And the set "db" is settled with 2 replicas
      And claim "data-db-1" belongs to set "db"
      And pod "keeper" is made the controller of claim "data-db-1"
      When the annotation "stsspec.dev/note" of set "db" changes to "look again"
      Then claim "data-db-1" belongs to pod "keeper"

    @ret-foreign-controller
    Scenario: It survives a scale-down
      Given its claim retention when scaled is Delete
      And the set "db" is settled with 2 replicas
      And pod "keeper" is made the controller of claim "data-db-1"
      When the set "db" is scaled to 1
      Then the set "db" settles with pod "db-0"
      And claim "data-db-1" is the same as before
      And claim "data-db-1" belongs to pod "keeper"

    @ret-foreign-controller @ret-deleted-gc
    Scenario: It survives the set
      Given its claim retention when deleted is Delete
      And the set "db" is settled with 2 replicas
      And pod "keeper" is made the controller of claim "data-db-1"
      And the annotation "stsspec.dev/note" of set "db" changes to "look again"
      And claim "data-db-1" belongs to pod "keeper"
      When the set "db" is deleted
      Then claim "data-db-0" disappears
      And claim "data-db-1" is the same as before

  Rule: Another owner that controls nothing stays, and the set is added

    @ret-foreign-plain-owner
    Scenario: A claim with an owner of its own
      Given the set "db" is settled with 2 replicas
      And pod "keeper" is made an owner of claim "data-db-1"
      When its claim retention when deleted becomes Delete
      Then claim "data-db-1" belongs to set "db" and pod "keeper"

  Rule: A reference to the set that does not control is put right

    @ret-own-ref-upgraded
    Scenario: Somebody weakens the reference
      Given its claim retention when deleted is Delete
      And the set "db" is settled with 2 replicas
      And set "db" is made an owner of claim "data-db-1"
      When the annotation "stsspec.dev/note" of set "db" changes to "look again"
      Then claim "data-db-1" belongs to set "db"

  Rule: A claim that names a set of the past is left as it is

    @ret-stale-uid-untouched
    Scenario: The fate of claims changes
      Given the set "db" is settled with 2 replicas
      And a former set "db" is made an owner of claim "data-db-1"
      When its claim retention when deleted becomes Delete
      Then claim "data-db-0" belongs to set "db"
      And claim "data-db-1" belongs to a former set "db"
