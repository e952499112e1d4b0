Feature: What a set does not say has a documented meaning
  A short description is completed when it is stored, so that everybody reads the same set.
  Source: Kubernetes API reference, StatefulSet, spec.

  Rule: A set that says nothing more has one replica and is updated in order

    @val-defaults @ret-default
    Scenario: The shortest set
      Given the set "web" is planned
      When the planned set "web" is submitted
      Then the request is accepted without a warning
      And set "web" reads
        """
        spec:
          replicas: 1
          podManagementPolicy: OrderedReady
          updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 0}}
          revisionHistoryLimit: 10
          persistentVolumeClaimRetentionPolicy: {whenDeleted: Retain, whenScaled: Retain}
          minReadySeconds: null
          ordinals: null
        """

    @val-defaults @maxu-default
    Scenario: The shortest set updates one pod at a time
      Given the set "web" is planned
      When the planned set "web" is submitted
      Then the request is accepted
      And set "web" reads
        """
        spec: {updateStrategy: {rollingUpdate: {maxUnavailable: 1}}}
        """

    @val-defaults
    Scenario: A set that deletes some of its claims retains the others
      Given the set "web" is planned
      And its description says
        """
        spec: {persistentVolumeClaimRetentionPolicy: {whenScaled: Delete}}
        """
      When the planned set "web" is submitted
      Then the request is accepted
      And set "web" reads
        """
        spec: {persistentVolumeClaimRetentionPolicy: {whenDeleted: Retain, whenScaled: Delete}}
        """

    @val-defaults
    Scenario: A set that waits for deletions has no partition
      Given the set "web" is planned
      And its update strategy is "OnDelete"
      When the planned set "web" is submitted
      Then the request is accepted
      And set "web" reads
        """
        spec: {updateStrategy: {type: OnDelete, rollingUpdate: null}}
        """

  Rule: A rolling update that says nothing of a partition has none

    @part-missing-default
    Scenario: A rolling update without a partition
      Given the set "web" is planned
      And its description says
        """
        spec: {updateStrategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 1}}}
        """
      When the planned set "web" is submitted
      Then the request is accepted
      And set "web" reads
        """
        spec: {updateStrategy: {rollingUpdate: {partition: 0}}}
        """

    @part-missing-default @maxu-default
    Scenario: A rolling update of which nothing is said stays as it is
      Given the set "web" is planned
      And its update strategy is RollingUpdate
      When the planned set "web" is submitted
      Then the request is accepted
      And set "web" reads
        """
        spec: {updateStrategy: {type: RollingUpdate, rollingUpdate: null}}
        """

    @maxu-default
    Scenario: A rolling update with a partition updates one pod at a time
      Given the set "web" is planned
      And its description says
        """
        spec: {updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2}}}
        """
      When the planned set "web" is submitted
      Then the request is accepted
      And set "web" reads
        """
        spec: {updateStrategy: {rollingUpdate: {partition: 2, maxUnavailable: 1}}}
        """
