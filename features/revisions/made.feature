Feature: Each template of a set is kept as one revision
  What a pod was made from can be told later, and be returned to.
  Source: Kubernetes documentation, StatefulSet, updating; ControllerRevision API reference.

  Rule: The revision is there before the first pod, and every pod names one

    @rev-created-first
    Scenario: The first pod
      Given readiness of pod "web-0" is withheld
      When the set "web" is created with 2 replicas
      Then it has 1 revision
      And the label "controller-revision-hash" of pod "web-0" names a revision of its set

  Rule: A revision belongs to its set

    @rev-owner
    Scenario: Its owner
      Given the set "web" is settled with 1 replica at revision "blue"
      Then it has 1 revision
      And revision "blue" reads
        """
        metadata: {ownerReferences: [{name: web, controller: true, blockOwnerDeletion: true}]}
        """

  Rule: A template that there is a revision of gets no second one

    @rev-dedupe @rev-monotonic
    Scenario: There and back
      Given the set "web" is settled with 2 replicas at revision "blue"
      And its template changes to revision "green"
      And its current revision becomes "green"
      When its template changes to revision "blue"
      Then its current revision becomes "blue"
      And its revisions are "green" and "blue"
      And revision "blue" is the same object as before, and the newest

    @rev-monotonic
    Scenario: Every new template is the newest
      Given the set "web" is settled with 0 replicas at revision "red"
      And its template changes to revision "green"
      And its current revision becomes "green"
      When its template changes to revision "blue"
      Then its revisions are "red", "green" and "blue"

  Rule: A revision holds the template and nothing else

    @rev-data-restores
    Scenario: A rollback leaves everything else as it is
      Given the set "web" is planned
      And its description says
        """
        metadata: {labels: {team: one}}
        """
      And the set "web" is settled with 2 replicas at revision "blue"
      And its template changes to revision "green"
      And its current revision becomes "green"
      And the label "team" of set "web" changes to "two"
      And the set "web" is scaled to 3
      And the set "web" settles with pods "web-0" to "web-2"
      When it is rolled back to revision "blue"
      Then its current revision becomes "blue"
      And the set "web" settles with pods "web-0" to "web-2"
      And its revisions are "green" and "blue"
      And set "web" reads
        """
        metadata: {labels: {team: two}}
        spec: {replicas: 3}
        """

  Rule: Nobody can change what a revision holds

    @rev-data-immutable
    Scenario: Other data
      Given the set "web" is settled with 1 replica at revision "blue"
      When this merge patch of revision "blue" is submitted
        """
        data: {spec: {template: {spec: {restartPolicy: Never}}}}
        """
      Then the request is refused as "422 Invalid"
        | reason            | field |
        | FieldValueInvalid | data  |

    @rev-data-immutable
    Scenario: Another number
      Given the set "web" is settled with 1 replica at revision "blue"
      When this merge patch of revision "blue" is submitted
        """
        revision: 7
        """
      Then the request is accepted
      And revision "blue" reads
        """
        revision: 7
        """
