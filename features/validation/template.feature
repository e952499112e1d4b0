Feature: A template is one that pods can be made of
  A mistake in the template is told to whoever makes it, not found by a controller that cannot create pods.
  Source: Kubernetes API reference, PodTemplateSpec; kubernetes/kubernetes#131790.

  Rule: The template is checked as a pod is

    @val-template-full
    Scenario Outline: <what>
      When the refused object "stateful-set/<object>" is submitted
      Then the request is refused as "422 Invalid"
        | reason   | field                                          |
        | <reason> | spec.template.spec.containers<part> |

      Examples:
        | what                       | object                  | reason             | part                    |
        | No container               | no-containers           | FieldValueRequired |                         |
        | A container without a name | container-without-name  | FieldValueRequired | [0].name                |
        | A mount of no volume       | mount-of-unknown-volume | FieldValueNotFound | [0].volumeMounts[0].name |

  Rule: Pods of a set run for ever

    @val-restart-policy
    Scenario Outline: Pods that are restarted <when>
      When the refused object "stateful-set/<object>" is submitted
      Then the request is refused as "422 Invalid"
        | reason                 | field                            |
        | FieldValueNotSupported | spec.template.spec.restartPolicy |

      Examples:
        | when       | object                    |
        | never      | restart-policy-never      |
        | on failure | restart-policy-on-failure |

    @val-active-deadline
    Scenario: Pods that have a deadline
      Given the set "web" is planned
      And its description says
        """
        spec: {template: {spec: {activeDeadlineSeconds: 5}}}
        """
      When the planned set "web" is submitted
      Then the request is refused as "422 Invalid"
        | reason              | field                                    |
        | FieldValueForbidden | spec.template.spec.activeDeadlineSeconds |

  Rule: The name of a claim is checked as that of the volume it becomes

    @val-claim-name-via-volume
    Scenario: A claim without a name
      When the refused object "stateful-set/claim-without-name" is submitted
      Then the request is refused as "422 Invalid"
        | reason             | field                                                          |
        | FieldValueRequired | spec.template.spec.volumes[0].name                             |
        | FieldValueRequired | spec.template.spec.volumes[0].persistentVolumeClaim.claimName |

    @val-claim-name-via-volume
    Scenario: A claim with an illegal name
      When the refused object "stateful-set/claim-with-bad-name" is submitted
      Then the request is refused as "422 Invalid"
        | reason            | field                              |
        | FieldValueInvalid | spec.template.spec.volumes[0].name |

    @pvc-invalid-template-rejected
    Scenario Outline: A claim without <what>
      When the refused object "stateful-set/<object>" is submitted
      Then the request is refused as "422 Invalid"
        | reason             | field                                    |
        | FieldValueRequired | spec.volumeClaimTemplates[0].spec.<part> |

      Examples:
        | what             | object                        | part               |
        | an access mode   | claim-without-access-modes    | accessModes        |
        | a size           | claim-without-storage-request | resources[storage] |

    @val-claim-template-duplicate
    Scenario: Two claims of one name act as one
      Given the set "db" is planned
      And its description says
        """
        spec:
          replicas: 1
          volumeClaimTemplates:
          - {metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}
          - {metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}
        """
      When the planned set "db" is submitted
      Then the request is accepted
      And the set "db" settles with pod "db-0"
      And the claims of "db" are "data-db-0"

  Rule: What the controller overwrites is not checked

    @val-template-hostname-free
    Scenario: A host name that no pod could have
      Given the set "web" is planned
      And its description says
        """
        spec: {replicas: 1, template: {spec: {hostname: Not_A_Name, subdomain: "no name"}}}
        """
      When the planned set "web" is submitted
      Then the request is accepted
      And the set "web" settles with pod "web-0"
      And the host name of pod "web-0" is "web-0"

  Rule: All that is wrong is told at once

    @val-error-list
    Scenario: A set with three faults
      Given the set "web" is planned
      And its description says
        """
        spec:
          replicas: -1
          podManagementPolicy: Random
          template: {spec: {restartPolicy: Never}}
        """
      When the planned set "web" is submitted
      Then the request is refused as "422 Invalid"
        | reason                 | field                            |
        | FieldValueInvalid      | spec.replicas                    |
        | FieldValueInvalid      | spec.podManagementPolicy         |
        | FieldValueNotSupported | spec.template.spec.restartPolicy |
