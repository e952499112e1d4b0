Feature: A set tells what is done for it
  Whoever describes a set reads what its controller did, without its logs.
  Source: Kubernetes documentation, events; the StatefulSet controller of Kubernetes.

  Rule: Each pod and each claim that is created is told, as an event of the set

    @ev-create @ev-source
    Scenario: Two pods with a claim each
      Given the set "web" is planned
      And its pods claim storage "data"
      When the set "web" is created with 2 replicas
      Then an event "SuccessfulCreate" of set "web" says "web-1"
      And an event "SuccessfulCreate" of set "web" says "data-web-0"
      And an event "SuccessfulCreate" of set "web" says "data-web-1"

    @ev-source-component
    Scenario: Who says so
      When the set "web" is created with 1 replica
      Then the events of set "web" come from "statefulset-controller"

  Rule: Each pod that is deleted is told, for whatever reason

    @ev-delete
    Scenario: Scaled down
      Given the set "web" is settled with 2 replicas
      When the set "web" is scaled to 1
      Then an event "SuccessfulDelete" of set "web" says "web-1"

    @ev-delete
    Scenario: Updated
      Given the set "web" is settled with 1 replica at revision "blue"
      When its template changes to revision "green"
      Then an event "SuccessfulDelete" of set "web" says "web-0"

    @ev-delete @ev-source
    Scenario: Failed
      Given the set "web" is settled with 1 replica
      When pod "web-0" fails
      Then pod "web-0" is replaced
      And an event "SuccessfulDelete" of set "web" says "web-0"

    @ev-recreate-failed-gone
    Scenario: No event of its own for a pod that failed
      Given the set "web" is settled with 1 replica
      When pod "web-0" fails
      Then pod "web-0" is replaced
      And an event "SuccessfulDelete" of set "web" says "web-0"
      And no event "RecreatingFailedPod" of set "web" says "web-0"

  Rule: Where much happens at once it is told in sum

    @ev-aggregation
    Scenario: Twelve pods
      Given the set "web" is planned
      And its pod management policy is Parallel
      When the set "web" is created with 12 replicas
      Then an event "SuccessfulCreate" of set "web" says "(combined from similar events): "
