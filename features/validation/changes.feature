Feature: What makes a set itself cannot be changed
  Pods, claims and names in DNS that exist would no longer fit the set that made them.
  Source: Kubernetes API reference, StatefulSet; "updates to statefulset spec for fields other than ... are forbidden".

  Rule: Selector, Service name, pod management policy and claim templates are immutable

    @val-immutable-fields @val-immutable-fields-cause
    Scenario Outline: A change of <what>
      When the refused object "stateful-set/<object>" is submitted
      Then the request is refused as "422 Invalid"
        | reason            | field        |
        | FieldValueInvalid | spec.<field> |

      Examples:
        | what                      | object                        | field                |
        | the selector and labels   | changed-selector              | selector             |
        | the Service name          | changed-service-name          | serviceName          |
        | the pod management policy | changed-pod-management-policy | podManagementPolicy  |

      @pvc-template-immutable
      Examples:
        | what                  | object               | field                |
        | the size of a claim   | changed-claim-size   | volumeClaimTemplates |
        | the labels of a claim | changed-claim-labels | volumeClaimTemplates |
        | the claims to none    | removed-claims       | volumeClaimTemplates |

    @pvc-template-noop-apply
    Scenario: Claim templates as they were sent first are no change
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 1 replica
      When this merge patch of set "db" is submitted
        """
        spec:
          volumeClaimTemplates:
          - {metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}
        """
      Then the request is accepted
      And set "db" reads
        """
        metadata: {generation: 1}
        """

    @val-immutable-fields @val-immutable-fields-cause
    Scenario: All of them at once, one cause each
      Given the set "web" is settled with 1 replica
      When this change of set "web" is submitted
        """
        spec: {serviceName: other, podManagementPolicy: Parallel}
        """
      Then the request is refused as "422 Invalid"
        | reason            | field                    |
        | FieldValueInvalid | spec.serviceName         |
        | FieldValueInvalid | spec.podManagementPolicy |

    @val-immutable-fields @val-immutable-fields-cause-before @pvc-template-immutable
    Scenario: Before Kubernetes 1.37 the whole spec is to blame
      Given the set "web" is settled with 1 replica
      When this change of set "web" is submitted
        """
        spec:
          serviceName: other
          podManagementPolicy: Parallel
          volumeClaimTemplates:
          - {metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}
        """
      Then the request is refused as "422 Invalid"
        | reason              | field |
        | FieldValueForbidden | spec  |

  Rule: Everything else of the spec can be changed, and each change is counted

    @val-mutable-fields
    Scenario Outline: A change of <what>
      Given the set "web" is settled with 1 replica
      When this change of set "web" is submitted
        """
        spec: <spec>
        """
      Then the request is accepted
      And set "web" reads
        """
        metadata: {generation: 2}
        spec: <spec>
        """

      Examples:
        | what                  | spec                                                                         |
        | the number of pods    | {replicas: 2}                                                                |
        | the first ordinal     | {ordinals: {start: 3}}                                                       |
        | the template          | {template: {metadata: {annotations: {note: new}}}}                           |
        | the update strategy   | {updateStrategy: {type: OnDelete, rollingUpdate: null}}                      |
        | the history           | {revisionHistoryLimit: 3}                                                    |
        | the fate of claims    | {persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Delete}} |
        | the time to Available | {minReadySeconds: 5}                                                         |

  Rule: Labels and annotations of a set are its users' own

    @val-metadata-mutable
    Scenario: A label and an annotation come and go
      Given the set "web" is settled with 1 replica
      When this change of set "web" is submitted
        """
        metadata: {labels: {team: blue}, annotations: {note: mine}}
        """
      Then the request is accepted
      And set "web" reads
        """
        metadata: {generation: 1, labels: {team: blue}, annotations: {note: mine}}
        """
