Feature: Where several pods at once are not supported, sets cannot ask for it
  Nobody relies on a field that nobody reads.
  Source: KEP-961; feature gate MaxUnavailableStatefulSet.

  Rule: With the feature gate off the field is dropped, whatever it says

    @maxu-gate-off-dropped
    Scenario Outline: A new set that says <value>
      Given the set "web" is planned
      And its description says
        """
        spec: {updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 1, maxUnavailable: <value>}}}
        """
      When the planned set "web" is submitted
      Then the request is accepted
      And set "web" reads
        """
        spec: {updateStrategy: {rollingUpdate: {partition: 1, maxUnavailable: null}}}
        """

      Examples:
        | value |
        | 2     |
        | 0     |
        | five  |

    @maxu-gate-off-dropped
    Scenario: A set that is there
      Given the set "web" is settled with 1 replica
      When this change of set "web" is submitted
        """
        spec: {updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 1, maxUnavailable: 2}}}
        """
      Then the request is accepted
      And set "web" reads
        """
        spec: {updateStrategy: {rollingUpdate: {partition: 1, maxUnavailable: null}}}
        """
