Feature: What counts cannot be negative
  A set that cannot be is refused when it is asked for, not when its controller fails on it.
  Source: Kubernetes API reference, StatefulSet, spec.

  Rule: A negative number is refused where a count, a time or a first ordinal is meant

    @val-replicas-negative
    Scenario: A negative number of replicas
      Given the set "web" is planned
      And its description says
        """
        spec: {replicas: -1}
        """
      When the planned set "web" is submitted
      Then the request is refused as "422 Invalid"
        | reason            | field         | message                                                 |
        | FieldValueInvalid | spec.replicas | Invalid value: -1: must be greater than or equal to 0 |

    @val-replicas-negative
    Scenario: A negative number of replicas of a set that is there
      Given the set "web" is settled with 1 replica
      When this change of set "web" is submitted
        """
        spec: {replicas: -1}
        """
      Then the request is refused as "422 Invalid"
        | reason            | field         |
        | FieldValueInvalid | spec.replicas |
      And set "web" reads
        """
        metadata: {generation: 1}
        spec: {replicas: 1}
        """

    @val-partition-negative
    Scenario: A negative partition
      When the refused object "stateful-set/negative-partition" is submitted
      Then the request is refused as "422 Invalid"
        | reason            | field                                       |
        | FieldValueInvalid | spec.updateStrategy.rollingUpdate.partition |
