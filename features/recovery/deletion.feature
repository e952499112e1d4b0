Feature: A set that is deleted lets its pods go
  How much goes with a set is the choice of whoever deletes it.
  Source: Kubernetes documentation, delete a StatefulSet; garbage collection.

  Rule: By default the set goes first, and its pods and revisions follow

    @rec-background-delete @own-gc-no-dangling
    Scenario: Nothing is left
      Given the set "web" is settled with 3 replicas
      When the set "web" is deleted
      Then pods "web-0" to "web-2" disappear
      And it has 0 revisions
      And no pod of "web" is created

  Rule: In the foreground the set stays until its pods are gone, and creates none

    @rec-foreground-delete @own-blockowner
    Scenario: The set waits for its pods
      Given the set "web" is settled with 3 replicas
      When the set "web" is deleted in the foreground
      Then the set "web" disappears only after its pods

    @rec-foreground-no-recreate
    Scenario: Pods that vanish are not replaced
      Given the set "web" is settled with 3 replicas
      And the end of pod "web-2" is held up
      When the set "web" is deleted in the foreground
      Then pods "web-0" and "web-1" disappear
      And no pod of "web" is created

  Rule: A set that is deleted without its pods leaves them running and free

    @rec-orphan-delete
    Scenario: Pods are orphaned
      Given the set "web" is settled with 3 replicas
      When the set "web" is deleted without its pods
      Then pods "web-0" to "web-2" belong to nobody
      And pods "web-0" to "web-2" are the same as before
      And pods "web-0" to "web-2" stay Ready

  Rule: A set that is being deleted creates, deletes and adopts nothing

    @rec-deleting-set-inert
    Scenario: A lost pod stays lost
      Given the set "web" is settled with 3 replicas
      And the end of set "web" is held up
      And the set "web" is deleted
      When pod "web-1" is lost
      Then pod "web-1" stays missing
      And pods "web-0" and "web-2" are the same as before

    @rec-deleting-set-inert
    Scenario: Pods outside the range stay
      Given the set "web" is settled with 3 replicas
      And the end of set "web" is held up
      And the set "web" is deleted
      When the set "web" is scaled to 1
      Then pods "web-0" to "web-2" are the same as before

    @rec-deleting-set-no-adopt
    Scenario: A pod without an owner stays free
      Given the set "web" is settled with 2 replicas
      And the end of set "web" is held up
      And the set "web" is deleted
      When the owner of pod "web-1" is taken away
      Then pod "web-1" belongs to nobody
      And pod "web-1" is the same as before

  Rule: Scaled to zero before, a set goes without a trace and in order

    @rec-scale-zero-then-delete
    Scenario: The graceful way
      Given the set "web" is settled with 3 replicas
      And the set "web" is scaled to 0
      And pods "web-2", "web-1" and "web-0" disappear
      When the set "web" is deleted
      Then the pods of "web" are deleted in the order "web-2", "web-1", "web-0"
      And no pod of "web" is created

  Rule: A set that is being deleted still takes note of its template

    @rec-deleting-set-inert-revisions
    Scenario: The template changes at the end
      Given the set "web" is settled with 2 replicas at revision "blue"
      And the end of set "web" is held up
      And the set "web" is deleted
      When its template changes to revision "green"
      Then it has 2 revisions
      And pods "web-0" and "web-1" are the same as before
