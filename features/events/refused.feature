Feature: A set tells what cannot be done
  The reason why a set does not grow is found where people look first.
  Source: Kubernetes documentation, events; the StatefulSet controller of Kubernetes.

  Rule: A pod that is denied is told

    @ev-failed-create
    Scenario: A quota
      Given the namespace allows 1 pod
      When the set "web" is created with 2 replicas
      Then an event "FailedCreate" of set "web" says "web-1"

    @ev-failed-create-text
    Scenario: In the words of the API server
      Given the namespace allows 1 pod
      When the set "web" is created with 2 replicas
      Then an event "FailedCreate" of set "web" says "exceeded quota: limit"

  Rule: A pod that cannot be made what it should be is told

    @ev-failed-delete-update
    Scenario: An adopted pod without its claim
      Given the set "web" is planned
      And its update strategy is OnDelete
      And its pods claim storage "data"
      And the pod "web-0" is created by hand for "web"
        """
        spec: {volumes: [{name: data, emptyDir: {}}]}
        """
      When the set "web" is created with 1 replica
      Then an event "FailedUpdate" of set "web" says "web-0"

    @ev-failed-delete-update
    Scenario: A deletion that is forbidden
      Given the set "web" is settled with 2 replicas
      And the controller's next 2 requests to delete pods meet code 403
      When the set "web" is scaled to 1
      Then an event "FailedDelete" of set "web" says "web-1"
      And the set "web" settles with pod "web-0"

  Rule: A name that is taken is no event

    @ev-already-exists-silent
    Scenario: A pod that is nobody's has the name
      Given the set "web" is planned
      And the pod "web-1" is created by hand for "web"
        """
        metadata: {labels: {app: squatter}}
        """
      When the set "web" is created with 2 replicas
      Then an event "SuccessfulCreate" of set "web" says "web-0"
      And no event "FailedCreate" of set "web" says "web-1"

  Rule: A claim of another owner is told when its owners are to be set

    @ev-conflicting-controller
    Scenario: It was there before its pod
      Given the set "web" is planned
      And its pods claim storage "data"
      And its description says
        """
        spec: {persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Retain}}
        """
      And the claim "data-web-0" is created by hand for "1Mi"
      And claim "data-web-0" is given to somebody else
      When the set "web" is created with 1 replica
      Then an event "ConflictingController" of set "web" says "data-web-0"

    @ev-conflict-only-on-pass @ret-foreign-controller-event
    Scenario: Not again while its pod runs
      Given the set "web" is planned
      And its pods claim storage "data"
      And its description says
        """
        spec: {persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Retain}}
        """
      And the set "web" is settled with 1 replica
      And claim "data-web-0" is given to somebody else
      When the set "web" is scaled to 2
      Then an event "SuccessfulCreate" of set "web" says "Pod web-1"
      And no event "ConflictingController" of set "web" says "data-web-0"
