Feature: A rollout can be followed, repeated and undone from the command line
  kubectl does it with plain requests; these are the ones that it sends, and what they rely on.
  Source: Kubernetes documentation, kubectl rollout.

  Rule: A restart replaces every pod once

    @cli-rollout-restart
    Scenario: The template is marked with the time of the restart
      Given the set "web" is settled with 3 replicas
      When this strategic merge patch of set "web" is submitted with "fieldManager=kubectl-rollout"
        """
        spec: {template: {metadata: {annotations: {kubectl.kubernetes.io/restartedAt: "2026-01-01T00:00:00Z"}}}}
        """
      Then the request is accepted
      And pods "web-2", "web-1" and "web-0" are replaced
      And the pods of "web" are deleted in the order "web-2", "web-1", "web-0"
      And it has 2 revisions

  Rule: The status of a rollout is told by what the set answers

    @cli-rollout-status
    Scenario: A rollout that rests at its partition is complete for those above it
      Given the rollout of "web" with 3 replicas from "blue" to "green" rests at partition 2
      Then set "web" comes to read
        """
        metadata: {generation: 2}
        spec: {replicas: 3, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2}}}
        status: {observedGeneration: 2, readyReplicas: 3, updatedReplicas: 1, currentReplicas: 2}
        """

    @cli-rollout-status
    Scenario: A rollout that is complete has one revision
      Given the set "web" is settled with 2 replicas at revision "blue"
      When its template changes to revision "green"
      Then pods "web-1" and "web-0" are replaced at revision "green"
      And its current revision becomes "green"
      And its update revision becomes "green"
      And its status counts 2 updated replicas

  Rule: A rollout is undone by the template of an older revision, which becomes the newest again

    @cli-rollout-history-undo
    Scenario: From blue to green and back
      Given the set "web" is settled with 2 replicas at revision "blue"
      And its template changes to revision "green"
      And pods "web-1" and "web-0" are replaced at revision "green"
      When its template changes to revision "blue"
      Then pods "web-1" and "web-0" are replaced at revision "blue"
      And it has 2 revisions
      And revision "blue" is the same object as before, and the newest

  Rule: A set is described by its spec, its status and its events

    @cli-describe
    Scenario: What a description is made of
      Given the set "web" is settled with 1 replica
      When the path "{events}?fieldSelector=involvedObject.name%3Dweb,involvedObject.kind%3DStatefulSet" is read
      Then the answer reads
        """
        kind: EventList
        items: [{reason: SuccessfulCreate, involvedObject: {kind: StatefulSet, name: web}}]
        """
      And set "web" reads
        """
        spec:
          replicas: 1
          serviceName: web
          podManagementPolicy: OrderedReady
          updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 0}}
          persistentVolumeClaimRetentionPolicy: {whenDeleted: Retain, whenScaled: Retain}
        status: {replicas: 1}
        """

  Rule: A set can be deleted without its pods

    @cli-cascade-orphan
    Scenario: The deletion that kubectl asks for
      Given the set "web" is settled with 2 replicas
      When this deletion of set "web" is submitted
        """
        propagationPolicy: Orphan
        """
      Then set "web" disappears
      And pods "web-0" and "web-1" belong to nobody
      And pods "web-0" and "web-1" are the same as before
