Feature: What a Deployment does instead
  A set exists for what a Deployment does not promise: who is who, who comes first, and whose data it is.
  Source: Kubernetes documentation, Deployment and StatefulSet, "using StatefulSets".

  Rule: Pods of a set have names that can be foretold, those of a Deployment have not

    @id-pod-name @id-hostname
    Scenario: Names
      Given the Deployment "app" is settled with 2 replicas
      When the set "web" is created with 2 replicas
      Then the set "web" settles with pods "web-0" and "web-1"
      And the host name of pod "web-1" is "web-1"
      And the pods of Deployment "app" have neither an ordinal nor a host name of their own

  Rule: Pods of a set wait for each other, those of a Deployment do not

    @ord-create-ascending @ord-gated-running-ready
    Scenario: Order
      Given the Deployment "app" is settled with 3 replicas
      When the set "web" is created with 3 replicas
      Then all pods of "web" become Ready
      And the pods of "web" are created in the order "web-0", "web-1", "web-2"
      And pod "web-2" is never created while "web-1" is not Ready
      And the pods of Deployment "app" were created before any of them was Ready

  Rule: A lost pod of a set comes back as itself, in a Deployment somebody else takes its place

    @rec-pod-deleted @id-stable-across-recreate @ord-replacement-after-gone @x-deployment-replaces
    Scenario: Recovery
      Given the set "web" is settled with 2 replicas
      And the Deployment "app" is settled with 2 replicas
      When pod "web-1" and a pod of Deployment "app" are lost together
      Then the new "web-1" came only after the old one was gone
      And the new "web-1" has the host name of the old one
      And a pod of another name takes the place of the lost one of Deployment "app"

  Rule: Every pod of a set has its own claim, those of a Deployment share one

    @pvc-one-per-template @pvc-name
    Scenario: Storage
      Given the pods of Deployment "app" share the claim "shared"
      And the Deployment "app" is settled with 2 replicas
      And the set "db" is planned
      And its pods claim storage "data"
      When the set "db" is created with 2 replicas
      Then all pods of "db" become Ready
      And pod "db-0" uses the claim "data-db-0"
      And pod "db-1" uses the claim "data-db-1"
      And the pods of Deployment "app" all use the claim "shared"
