Feature: Revisions that a set finds are its own, nobody's, or somebody else's
  A set that is handed over, or restored, goes on from the history that it has.
  Source: controllers adopt what matches; the StatefulSet controller of Kubernetes.

  Rule: A revision that nobody owns and the selector selects is adopted

    @rev-orphan-adopt
    Scenario: The history of an earlier set
      Given the set "web" is settled with 2 replicas at revision "blue"
      And its template changes to revision "green"
      And its current revision becomes "green"
      And the set "web" is deleted without its pods
      And the set "web" is planned as before
      When the set "web" is created with 2 replicas
      Then its current revision becomes "blue"
      And its revisions are "green" and "blue"

  Rule: A revision of somebody else is ignored, whatever its labels say

    @rev-foreign-ignored
    Scenario: It holds just the template that is wanted
      Given the set "web" is settled with 2 replicas at revision "blue"
      And a revision of somebody else holds the template of "green"
      When its template changes to revision "green"
      Then the pods move to "green" in the order "web-1", "web-0"
      And its revisions are "blue" and "green"
      And the revision made by hand is untouched

  Rule: A revision that is deleted by hand is made again, and no pod notices

    @rev-deleted-by-hand
    Scenario: The only one
      Given the set "web" is settled with 2 replicas at revision "blue"
      And this deletion of revision "blue" is submitted
        """
        propagationPolicy: Background
        """
      When the set "web" is scaled to 3
      Then the set "web" settles with pods "web-0" to "web-2"
      And its update revision becomes "blue"
      And it has 1 revision
      And the label "controller-revision-hash" of pod "web-1" names a revision of its set
      And pods "web-0" and "web-1" are the same as before

  Rule: The newest revision is used if it says the same in the words of an older version

    @rev-semantic-equal @x-server-defaults-drift
    Scenario: Defaults are missing, and a time is null
      Given the set "web" is planned
      And its template changes to revision "blue"
      And a revision of nobody holds the template of "blue" in old words
      When the set "web" is created with 2 replicas
      Then the set "web" settles with pods "web-0" and "web-1"
      And the revision made by hand is its update revision
      And it has 1 revision

    @rev-semantic-newest-only
    Scenario: An older one is not looked at that way
      Given the set "web" is planned
      And its template changes to revision "blue"
      And a revision of nobody holds the template of "blue" in old words
      And the set "web" is created with 1 replica
      And its current revision becomes "blue"
      And its template changes to revision "green"
      And its current revision becomes "green"
      When its template changes to revision "blue"
      Then its revisions are "blue", "green" and "blue"

  Rule: A revision that cannot be adopted stops the set

    @rev-orphan-adopt-blocks-sync @rec-deleting-set-no-adopt-error
    Scenario: A set that is being deleted adopts nothing, and so says nothing
      Given the set "web" is settled with 2 replicas at revision "blue"
      And the end of set "web" is held up
      And the set "web" is deleted
      And a revision of nobody holds the template of "green"
      When readiness of pod "web-1" is lost
      Then nothing about "web" changes any more
      And its status counts 2 Ready replicas
