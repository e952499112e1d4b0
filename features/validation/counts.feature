Feature: What counts cannot be negative
  A set that cannot be is refused when it is asked for, not when its controller fails on it.
  Source: Kubernetes API reference, StatefulSet, spec.

  Rule: A negative number is refused where a count, a time or a first ordinal is meant

    Scenario Outline: <what>
      Given the set "web" is planned
      And its description says
        """
        spec: <spec>
        """
      When the planned set "web" is submitted
      Then the request is refused as "422 Invalid"
        | reason            | field   |
        | FieldValueInvalid | <field> |

      @val-replicas-negative
      Examples:
        | what                          | spec           | field         |
        | A negative number of replicas | {replicas: -1} | spec.replicas |

      @val-min-ready-negative
      Examples:
        | what                         | spec                  | field                |
        | A negative minReadySeconds   | {minReadySeconds: -1} | spec.minReadySeconds |

      @val-ordinals-negative
      Examples:
        | what                     | spec                   | field               |
        | A negative first ordinal | {ordinals: {start: -1}} | spec.ordinals.start |

      @val-partition-negative @part-negative
      Examples:
        | what                 | spec                                            | field                                       |
        | A negative partition | {updateStrategy: {rollingUpdate: {partition: -1}}} | spec.updateStrategy.rollingUpdate.partition |

  Rule: A set that is there keeps what it has when its change is refused

    @val-replicas-negative
    Scenario: A negative number of replicas for a set that is there
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

  Rule: A negative number of revisions to keep is accepted, with a warning

    @val-warning-negative-history
    Scenario: Somebody asks for less than no history
      Given the set "web" is planned
      And its description says
        """
        spec: {revisionHistoryLimit: -1}
        """
      When the planned set "web" is submitted
      Then the request is accepted with the warning "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"
