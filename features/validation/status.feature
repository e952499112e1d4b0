Feature: A status that cannot be is refused
  Whoever reads a status may rely on its counters fitting together.
  Source: Kubernetes API reference, StatefulSetStatus.

  Rule: No counter is negative, and no part is more than the whole

    @val-status-bounds
    Scenario: Less than nothing
      When the refused object "stateful-set/status-negative" is submitted
      Then the request is refused as "422 Invalid"
        | reason            | field                     |
        | FieldValueInvalid | status.replicas           |
        | FieldValueInvalid | status.readyReplicas      |
        | FieldValueInvalid | status.currentReplicas    |
        | FieldValueInvalid | status.updatedReplicas    |
        | FieldValueInvalid | status.availableReplicas  |
        | FieldValueInvalid | status.observedGeneration |
        | FieldValueInvalid | status.collisionCount     |
        | FieldValueInvalid | status.collisionCount     |

    @val-status-bounds
    Scenario: More Ready, current, updated and available pods than pods
      When the refused object "stateful-set/status-more-than-replicas" is submitted
      Then the request is refused as "422 Invalid"
        | reason            | field                    |
        | FieldValueInvalid | status.readyReplicas     |
        | FieldValueInvalid | status.currentReplicas   |
        | FieldValueInvalid | status.updatedReplicas   |
        | FieldValueInvalid | status.availableReplicas |

    @val-status-bounds
    Scenario: More available pods than Ready ones
      Given the set "web" is planned
      And its description says
        """
        spec: {replicas: 0}
        """
      And the planned set "web" is submitted
      When this merge patch of the status of set "web" is submitted
        """
        status: {replicas: 2, readyReplicas: 1, availableReplicas: 2}
        """
      Then the request is refused as "422 Invalid"
        | reason            | field                    |
        | FieldValueInvalid | status.availableReplicas |
