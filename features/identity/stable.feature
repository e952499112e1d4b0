Feature: Identity outlives the pod
  Whoever knows a member by its name still knows it after it was lost.
  Source: Kubernetes documentation, StatefulSet, pod identity, "sticky identity".

  Rule: A replacement has the name, host name, labels and claims of the pod it replaces, and another UID

    @id-stable-across-recreate @pvc-reused-pod-delete
    Scenario: A lost pod returns as itself
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 3 replicas
      When pod "db-1" is lost
      Then the new "db-1" has the host name of the old one
      And the new "db-1" has the subdomain of the old one
      And the new "db-1" has the labels of the old one
      And the new "db-1" has the claims of the old one
      And the new "db-1" has another UID than the old one

    @id-stable-across-recreate
    Scenario: An address is not part of the identity
      Given the set "web" is settled with 2 replicas
      When pod "web-1" is lost
      Then the new "web-1" has the labels of the old one
      And the new "web-1" has another address than the old one

  Rule: Sets of one name in two namespaces have nothing to do with each other

    @id-namespaces-isolated
    Scenario: A pod of the one is lost and the other does not notice
      Given the set "web" is settled with 2 replicas
      And from here on the other namespace is meant
      And the set "web" is settled with 2 replicas
      When pod "web-1" is lost
      Then pod "web-1" is replaced
      And the set "web" settles with pods "web-0" and "web-1"
      And from here on the first namespace is meant
      And pods "web-0" and "web-1" are the same as before
