Feature: Claims go with their set if it says so
  A set that is tried out leaves nothing to be paid for.
  Source: Kubernetes documentation, StatefulSet, PersistentVolumeClaim retention, whenDeleted.

  Background:
    Given the set "db" is planned
    And its pods claim storage "data"
    And its claim retention when deleted is Delete

  Rule: When the set is deleted its claims go, each after its pod

    @ret-deleted-gc
    Scenario: The set is deleted
      Given the set "db" is settled with 2 replicas
      When the set "db" is deleted
      Then claims "data-db-0" and "data-db-1" disappear
      And pod "db-0" is gone before claim "data-db-0"
      And pod "db-1" is gone before claim "data-db-1"

    @ret-deleted-gc
    Scenario: A pod that cannot end keeps its claim
      Given the set "db" is settled with 2 replicas
      And the end of pod "db-1" is held up
      When the set "db" is deleted
      Then claim "data-db-0" disappears
      And claim "data-db-1" stays though it is being deleted

    @ret-deleted-gc
    Scenario: A claim whose pod had left before
      Given the set "db" is settled with 2 replicas
      And the set "db" is scaled to 1
      And pod "db-1" disappears
      When the set "db" is deleted
      Then claims "data-db-0" and "data-db-1" disappear

  Rule: Claims stay with the pods that the set leaves behind, and go with the set that takes those over

    @ret-orphan-delete
    Scenario: The set is deleted without its pods
      Given the set "db" is settled with 2 replicas
      When the set "db" is deleted without its pods
      Then claims "data-db-0" and "data-db-1" are the same as before
      And claims "data-db-0" and "data-db-1" belong to nobody

    @ret-deleted-adopted
    Scenario: A new set of the name takes claims over with the pods
      Given the set "db" is settled with 2 replicas
      And the set "db" is deleted without its pods
      And the set "db" is planned as before
      When the set "db" is created with 2 replicas
      Then claims "data-db-0" and "data-db-1" belong to set "db"
      And claims "data-db-0" and "data-db-1" are the same as before

    @ret-deleted-adopted
    Scenario: They go with the new set
      Given the set "db" is settled with 2 replicas
      And the set "db" is deleted without its pods
      And the set "db" is planned as before
      And the set "db" is settled with 2 replicas
      And claims "data-db-0" and "data-db-1" belong to set "db"
      When the set "db" is deleted
      Then claims "data-db-0" and "data-db-1" disappear
