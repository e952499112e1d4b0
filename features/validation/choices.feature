Feature: A choice is one of those that there are
  A word that nobody knows is refused, rather than taken for the default.
  Source: Kubernetes API reference, StatefulSet, spec.

  Rule: The pod management policy is OrderedReady or Parallel

    @val-pod-management
    Scenario: An unknown policy
      Given the set "web" is planned
      And its pod management policy is "Random"
      When the planned set "web" is submitted
      Then the request is refused as "422 Invalid"
        | reason            | field                    |
        | FieldValueInvalid | spec.podManagementPolicy |

  Rule: The update strategy is RollingUpdate or OnDelete

    @val-strategy
    Scenario: An unknown strategy
      When the refused object "stateful-set/unknown-strategy" is submitted
      Then the request is refused as "422 Invalid"
        | reason            | field               |
        | FieldValueInvalid | spec.updateStrategy |

    @val-strategy
    Scenario: A set that is there gets an unknown strategy
      Given the set "web" is settled with 1 replica
      When this change of set "web" is submitted
        """
        spec: {updateStrategy: {type: Whenever, rollingUpdate: null}}
        """
      Then the request is refused as "422 Invalid"
        | reason            | field               |
        | FieldValueInvalid | spec.updateStrategy |

  Rule: What belongs to a rolling update is refused with another strategy

    @val-rolling-only @ond-rolling-params-rejected
    Scenario: OnDelete with a partition
      Given the set "web" is planned
      And its description says
        """
        spec: {updateStrategy: {type: OnDelete, rollingUpdate: {partition: 1}}}
        """
      When the planned set "web" is submitted
      Then the request is refused as "422 Invalid"
        | reason            | field                             |
        | FieldValueInvalid | spec.updateStrategy.rollingUpdate |

  Rule: Claims are retained or deleted

    @val-retention-values @ret-invalid
    Scenario Outline: An unknown fate of the claims when the set is <when>
      When the refused object "stateful-set/<object>" is submitted
      Then the request is refused as "422 Invalid"
        | reason                 | field                                            |
        | FieldValueNotSupported | spec.persistentVolumeClaimRetentionPolicy.<part> |

      Examples:
        | when    | object                         | part        |
        | deleted | unknown-retention-when-deleted | whenDeleted |
        | scaled  | unknown-retention-when-scaled  | whenScaled  |

  Rule: At least one pod may be unavailable during an update, and at most all

    @val-max-unavailable @maxu-invalid
    Scenario Outline: <what> may be unavailable
      When the refused object "stateful-set/<object>" is submitted
      Then the request is refused as "422 Invalid"
        | reason            | field                                            |
        | FieldValueInvalid | spec.updateStrategy.rollingUpdate.maxUnavailable |

      Examples:
        | what               | object                            |
        | No pod             | max-unavailable-zero              |
        | No percent of pods | max-unavailable-zero-percent      |
        | Less than no pod   | max-unavailable-negative          |
        | More than all pods | max-unavailable-above-100-percent |
        | A number in quotes | max-unavailable-number-as-text    |
