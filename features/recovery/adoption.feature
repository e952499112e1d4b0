Feature: A set that returns takes over its pods
  A set can be recreated, or handed to another manager, without a restart of its members.
  Source: Kubernetes documentation, delete a StatefulSet; controllers adopt what matches.

  Rule: The identical set adopts the pods and the revision that an earlier one left behind

    @rec-new-set-adopts
    Scenario: Nothing restarts
      Given the set "web" is settled with 3 replicas at revision "blue"
      And the set "web" is deleted without its pods
      And the set "web" is planned as before
      When the set "web" is created with 3 replicas
      Then the set "web" owns pods "web-0", "web-1" and "web-2"
      And pods "web-0" to "web-2" are the same as before
      And it has 1 revision

  Rule: With another template the pods are adopted first and then updated from the top

    @rec-new-set-different-template
    Scenario: The new template reaches the old pods
      Given the set "web" is settled with 3 replicas at revision "blue"
      And the set "web" is deleted without its pods
      And the set "web" is planned as before
      And its template changes to revision "green"
      When the set "web" is created with 3 replicas
      Then the pods move to "green" in the order "web-2", "web-1", "web-0"

    @rec-new-set-different-template-revision
    Scenario: The new set knows no other revision from the start
      Given the set "web" is settled with 3 replicas at revision "blue"
      And readiness of new pods is withheld
      And the set "web" is deleted without its pods
      And the set "web" is planned as before
      And its template changes to revision "green"
      When the set "web" is created with 3 replicas
      Then pod "web-2" is replaced at revision "green"
      And its current revision becomes "green"
      And pods "web-0" and "web-1" are the same as before

  Rule: With one more claim template the first pod cannot be put right, and nothing goes on

    @rec-new-set-more-claims
    Scenario: A claim template is added
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 2 replicas
      And the set "db" is deleted without its pods
      And the set "db" is planned as before
      And its pods claim storage "more"
      When the set "db" is created with 2 replicas
      Then claim "more-db-0" is created
      And claim "more-db-1" stays missing
      And pods "db-0" and "db-1" are the same as before

  Rule: A pod that lost its owner is adopted again without a restart

    @own-strip-ownerref
    Scenario: The owner is taken away
      Given the set "web" is settled with 2 replicas
      When the owner of pod "web-1" is taken away
      Then the set "web" owns pod "web-1"
      And pod "web-1" is the same as before
