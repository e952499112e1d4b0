Feature: The history is as long as it was asked to be
  Old templates stay long enough to return to, and do not pile up.
  Source: Kubernetes API reference, StatefulSet, revisionHistoryLimit.

  Rule: Of the revisions that nobody uses the oldest go first

    @rev-limit
    Scenario: One old revision is kept
      Given the set "web" is planned
      And its description says
        """
        spec: {revisionHistoryLimit: 1}
        """
      And the set "web" is settled with 0 replicas at revision "one"
      And its template changes to revision "two"
      And its update revision becomes "two"
      And its template changes to revision "three"
      And its update revision becomes "three"
      When its template changes to revision "four"
      Then its revisions are "three" and "four"

    @rev-limit
    Scenario: A rollback makes a revision young again
      Given the set "web" is planned
      And its description says
        """
        spec: {revisionHistoryLimit: 1}
        """
      And the set "web" is settled with 0 replicas at revision "one"
      And its template changes to revision "two"
      And its update revision becomes "two"
      And its template changes to revision "one"
      And its update revision becomes "one"
      When its template changes to revision "three"
      Then its revisions are "one" and "three"

  Rule: What a pod or the status names is kept, whatever the limit

    @rev-limit-live-kept
    Scenario: A canary that was overtaken
      Given the set "web" is planned
      And its description says
        """
        spec: {revisionHistoryLimit: 0}
        """
      And the rollout of "web" with 3 replicas from "blue" to "green" rests at partition 2
      And its rolling update is partitioned at ordinal 3
      When its template changes to revision "red"
      Then its revisions are "blue", "green" and "red"
      And pods "web-0" to "web-2" are the same as before

  Rule: A limit of 0 keeps only what is in use

    @rev-limit-zero
    Scenario: The old revision goes when its last pod is gone
      Given the set "web" is planned
      And its description says
        """
        spec: {revisionHistoryLimit: 0}
        """
      And the set "web" is settled with 2 replicas at revision "blue"
      When its template changes to revision "green"
      Then its current revision becomes "green"
      And its revisions are "green"

    @rev-limit-zero
    Scenario: The old template can still be asked for
      Given the set "web" is planned
      And its description says
        """
        spec: {revisionHistoryLimit: 0}
        """
      And the set "web" is settled with 2 replicas at revision "blue"
      And its template changes to revision "green"
      And its current revision becomes "green"
      When its template changes to revision "blue"
      Then its current revision becomes "blue"
      And its revisions are "blue"

  Rule: A negative limit keeps everything

    @rev-limit-negative
    Scenario: Four templates
      Given the set "web" is planned
      And its description says
        """
        spec: {revisionHistoryLimit: -1}
        """
      And the set "web" is settled with 0 replicas at revision "one"
      And its template changes to revision "two"
      And its update revision becomes "two"
      And its template changes to revision "three"
      And its update revision becomes "three"
      When its template changes to revision "four"
      Then its revisions are "one", "two", "three" and "four"

  Rule: Another limit counts at once

    @rev-limit-mutable
    Scenario: A lower limit
      Given the set "web" is settled with 0 replicas at revision "one"
      And its template changes to revision "two"
      And its update revision becomes "two"
      And its template changes to revision "three"
      And its update revision becomes "three"
      And its template changes to revision "four"
      When its description says
        """
        spec: {revisionHistoryLimit: 1}
        """
      Then its revisions are "three" and "four"
