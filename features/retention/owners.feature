Feature: Claims belong to whoever they are to go with
  Whoever reads a claim can tell what will take it away.
  Source: Kubernetes documentation, StatefulSet, PersistentVolumeClaim retention; KEP-1847.

  Rule: Claims that are to go with the set belong to the set

    @ret-deleted-ref-set
    Scenario: All claims of a running set
      Given the set "db" is planned
      And its pods claim storage "data"
      And its claim retention when deleted is Delete
      When the set "db" is created with 2 replicas
      Then the set "db" settles with pods "db-0" and "db-1"
      And claims "data-db-0" and "data-db-1" belong to set "db"

    @ret-deleted-ref-set
    Scenario: A set that shrinks keeps them
      Given the set "db" is planned
      And its pods claim storage "data"
      And its claim retention when deleted is Delete
      And the set "db" is settled with 2 replicas
      When the set "db" is scaled to 1
      Then the set "db" settles with pod "db-0"
      And claims "data-db-0" and "data-db-1" belong to set "db"

  Rule: Claims that are to go when the set shrinks belong to nobody as long as their pods stay

    @ret-scaled-no-ref-live
    Scenario: All claims of a running set
      Given the set "db" is planned
      And its pods claim storage "data"
      And its claim retention when scaled is Delete
      When the set "db" is created with 2 replicas
      Then the set "db" settles with pods "db-0" and "db-1"
      And claims "data-db-0" and "data-db-1" belong to nobody

    @ret-both-live
    Scenario: With both policies they belong to the set alone
      Given the set "db" is planned
      And its pods claim storage "data"
      And its claim retention when deleted is Delete
      And its claim retention when scaled is Delete
      When the set "db" is created with 2 replicas
      Then the set "db" settles with pods "db-0" and "db-1"
      And claims "data-db-0" and "data-db-1" belong to set "db"

  Rule: Before a pod leaves its claims belong to it

    @ret-scaled-ref-before-delete
    Scenario: A set shrinks by two
      Given the set "db" is planned
      And its pods claim storage "data"
      And its claim retention when scaled is Delete
      And the set "db" is settled with 3 replicas
      And the end of pod "db-2" is held up
      When the set "db" is scaled to 1
      Then pod "db-2" begins to terminate
      And claim "data-db-2" belongs to pod "db-2"
      And claim "data-db-1" belongs to pod "db-1"
      And claim "data-db-0" belongs to nobody

    @ret-both-condemned
    Scenario: With both policies they belong to the pod alone
      Given the set "db" is planned
      And its pods claim storage "data"
      And its claim retention when deleted is Delete
      And its claim retention when scaled is Delete
      And the set "db" is settled with 2 replicas
      And the end of pod "db-1" is held up
      When the set "db" is scaled to 1
      Then claim "data-db-1" belongs to pod "db-1"
      And claim "data-db-0" belongs to set "db"

    @ret-scaled-ref-before-delete
    Scenario: With OnDelete too
      Given the set "db" is planned
      And its update strategy is OnDelete
      And its pods claim storage "data"
      And its claim retention when scaled is Delete
      And the set "db" is settled with 2 replicas
      And the end of pod "db-1" is held up
      When the set "db" is scaled to 1
      Then claim "data-db-1" belongs to pod "db-1"

  Rule: A scale-down that is taken back leaves nothing behind

    @ret-cancelled-scale-down
    Scenario: A pod that was to leave stays after all
      Given the set "db" is planned
      And its pods claim storage "data"
      And its claim retention when scaled is Delete
      And the set "db" is settled with 3 replicas
      And the end of pod "db-2" is held up
      And the set "db" is scaled to 1
      And claim "data-db-1" belongs to pod "db-1"
      When the set "db" is scaled to 2
      Then claim "data-db-1" belongs to nobody

    @ret-cancelled-scale-down
    Scenario: The pods that left are gone
      Given the set "db" is planned
      And its pods claim storage "data"
      And its claim retention when scaled is Delete
      And the set "db" is settled with 3 replicas
      And the end of pod "db-2" is held up
      And the set "db" is scaled to 1
      And claim "data-db-1" belongs to pod "db-1"
      And the set "db" is scaled to 2
      When the end of pod "db-2" is let through
      Then the set "db" settles with pods "db-0" and "db-1"
      And claims "data-db-0" and "data-db-1" belong to nobody

    @ret-cancelled-scale-down
    Scenario: Its claim survives the next loss of the pod
      Given the set "db" is planned
      And its pods claim storage "data"
      And its claim retention when scaled is Delete
      And the set "db" is settled with 3 replicas
      And the end of pod "db-2" is held up
      And the set "db" is scaled to 1
      And pod "db-2" begins to terminate
      And the set "db" is scaled to 2
      And claim "data-db-1" belongs to nobody
      When pod "db-1" is lost
      Then pod "db-1" is replaced
      And claim "data-db-1" is the same as before
