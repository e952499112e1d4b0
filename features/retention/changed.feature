Feature: The fate of claims can be changed while pods run
  Whoever changes it need not restart anything.
  Source: Kubernetes documentation, StatefulSet, PersistentVolumeClaim retention.

  Rule: Claims of pods that are there get new owners, and the pods go on

    @ret-mutate-to-delete
    Scenario: From Retain to Delete
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 2 replicas
      When its claim retention when deleted becomes Delete
      Then claims "data-db-0" and "data-db-1" belong to set "db"
      And pods "db-0" and "db-1" are the same as before

    @ret-ref-repair-touches-pod
    Scenario: An event tells of pods that did not change
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 1 replica
      When its claim retention when deleted becomes Delete
      Then an event "SuccessfulUpdate" of set "db" says "Update Pod db-0"
      And pod "db-0" is the same as before

    @ret-mutate-to-retain
    Scenario: From Delete to Retain
      Given the set "db" is planned
      And its pods claim storage "data"
      And its claim retention when deleted is Delete
      And the set "db" is settled with 2 replicas
      And claims "data-db-0" and "data-db-1" belong to set "db"
      When its claim retention when deleted becomes Retain
      Then claims "data-db-0" and "data-db-1" belong to nobody
      And pods "db-0" and "db-1" are the same as before

    @ret-mutate-to-delete
    Scenario: A set that is asked to shrink after the change
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 2 replicas
      And its claim retention when scaled becomes Delete
      When the set "db" is scaled to 1
      Then claim "data-db-1" disappears
      And claim "data-db-0" is the same as before

  Rule: A change of the fate of claims is no change of the template

    @ret-mutate-not-rollout
    Scenario Outline: When <when> from Retain to Delete
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 2 replicas
      When its claim retention when <when> becomes Delete
      Then it has 1 revision
      And pods "db-0" and "db-1" are the same as before

      Examples:
        | when    |
        | deleted |
        | scaled  |

  Rule: Claims whose pods are gone are not reached

    @ret-switch-after-scale-down
    Scenario: The set shrank before
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 3 replicas
      And the set "db" is scaled to 1
      And pods "db-1" and "db-2" disappear
      When its claim retention when scaled becomes Delete
      Then claims "data-db-1" and "data-db-2" are the same as before
      And claims "data-db-1" and "data-db-2" belong to nobody
