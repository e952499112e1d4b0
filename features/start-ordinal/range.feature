Feature: A set can begin with an ordinal of its choice
  Members of one service can be spread over two sets without two of one name.
  Source: Kubernetes documentation, StatefulSet, start ordinal; KEP-3335.

  Rule: The pods of a set are as many as replicas, from the first ordinal on

    @start-range
    Scenario: Three pods from five on
      Given the set "web" is planned
      And its first ordinal is 5
      When the set "web" is created with 3 replicas
      Then the set "web" settles with pods "web-5", "web-6" and "web-7"

    @start-range
    Scenario: A set grows upwards
      Given the set "web" is planned
      And its first ordinal is 5
      And the set "web" is settled with 1 replica
      When the set "web" is scaled to 3
      Then the set "web" settles with pods "web-5", "web-6" and "web-7"

    @start-scale-down
    Scenario: A set shrinks to its first pod
      Given the set "web" is planned
      And its first ordinal is 5
      And the set "web" is settled with 3 replicas
      When the set "web" is scaled to 1
      Then the set "web" settles with pod "web-5"
      And pod "web-5" is the same as before

  Rule: Pods are created in order from the first ordinal on

    @start-order
    Scenario: A set starts
      Given the set "web" is planned
      And its first ordinal is 3
      When the set "web" is created with 3 replicas
      Then the pods of "web" are created in the order "web-3", "web-4", "web-5"

    @start-order
    Scenario: A pod that is not Ready holds back its successors
      Given the set "web" is planned
      And its first ordinal is 3
      And readiness of pod "web-3" is withheld
      When the set "web" is created with 2 replicas
      Then pod "web-3" becomes Running
      And pod "web-4" stays missing

  Rule: Names, labels and claims are made of the real ordinal

    @start-labels-claims-dns
    Scenario: The first pod of a set that begins with seven
      Given the set "db" is planned
      And its first ordinal is 7
      And its pods claim storage "data"
      When the set "db" is created with 1 replica
      Then the label "apps.kubernetes.io/pod-index" of pod "db-7" becomes "7"
      And the label "statefulset.kubernetes.io/pod-name" of pod "db-7" becomes "db-7"
      And the host name of pod "db-7" is "db-7"
      And pod "db-7" uses the claim "data-db-7"
      And the claims of "db" are "data-db-7"

  Rule: A partition counts from the first ordinal

    @start-range @part-start-ordinal
    Scenario: A rollout that leaves the first two pods alone
      Given the set "web" is planned
      And its first ordinal is 4
      And the set "web" is settled with 4 replicas at revision "blue"
      And its rolling update is partitioned at ordinal 2
      When its template changes to revision "green"
      Then the pods move to "green" in the order "web-7", "web-6"
      And pods "web-4" and "web-5" are the same as before
