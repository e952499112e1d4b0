Feature: With Recreate all old pods go before the first new one comes
  Members that cannot work with another version never meet one.
  Source: KEP-3541, StatefulSet Recreate update strategy; feature gate StatefulSetRecreateStrategy.

  Background:
    Given the set "db" is planned
    And its update strategy is Recreate

  Rule: A change of the template deletes all pods of other revisions at once

    @rcr-delete-all
    Scenario Outline: Three pods under the policy <policy>
      Given its pod management policy is <policy>
      And the set "db" is settled with 3 replicas at revision "blue"
      And the end of pods "db-0" to "db-2" is held up
      When its template changes to revision "green"
      Then only pods "db-0" to "db-2" of "db" begin to terminate

      Examples:
        | policy       |
        | OrderedReady |
        | Parallel     |

    @rcr-delete-all
    Scenario: One of them is not Ready
      Given the set "db" is settled with 3 replicas at revision "blue"
      And readiness of pod "db-0" is lost
      And the end of pods "db-0" to "db-2" is held up
      When its template changes to revision "green"
      Then only pods "db-0" to "db-2" of "db" begin to terminate

    @rcr-delete-all @rcr-scale-with-template
    Scenario: Pods that are to leave go with them
      Given the set "db" is settled with 3 replicas at revision "blue"
      And the end of pods "db-0" to "db-2" is held up
      When its description says
        """
        spec: {replicas: 1, template: {metadata: {annotations: {stsspec.dev/revision: green}}}}
        """
      Then only pods "db-0" to "db-2" of "db" begin to terminate

    @rcr-scale-with-template
    Scenario: Only the new range comes back
      Given the set "db" is settled with 3 replicas at revision "blue"
      When its description says
        """
        spec: {replicas: 2, template: {metadata: {annotations: {stsspec.dev/revision: green}}}}
        """
      Then pods "db-0" and "db-1" are replaced at revision "green"
      And the set "db" settles with pods "db-0" and "db-1"
      And no pod of "db" was ever made at revision "green" but "db-0" and "db-1"

  Rule: No new pod comes as long as there is an old one

    @rcr-no-mix
    Scenario: A pod that cannot end
      Given the set "db" is settled with 3 replicas at revision "blue"
      And the end of pod "db-1" is held up
      When its template changes to revision "green"
      Then pod "db-1" begins to terminate
      And pods "db-0" and "db-2" stay missing

    @rcr-no-mix
    Scenario: Once it has ended all come back
      Given the set "db" is settled with 3 replicas at revision "blue"
      And the end of pod "db-1" is held up
      And its template changes to revision "green"
      And pods "db-0" and "db-2" disappear
      When the end of pod "db-1" is let through
      Then pods "db-0" to "db-2" are at revision "green"
      And pod "db-0" is never created while "db-1" is terminating
      And its current revision becomes "green"

    @rcr-missing-not-filled
    Scenario: A pod that was missing before
      Given the set "db" is settled with 3 replicas at revision "blue"
      And readiness of pod "db-0" is lost
      And the end of pod "db-0" is held up
      And pod "db-2" is lost
      And pod "db-2" disappears
      When its template changes to revision "green"
      Then pod "db-0" begins to terminate
      And pods "db-1" and "db-2" stay missing

    @rcr-replicas-edit-mid
    Scenario: The set grows while an old pod is left
      Given the set "db" is settled with 2 replicas at revision "blue"
      And the end of pod "db-1" is held up
      And its template changes to revision "green"
      And pod "db-0" disappears
      When the set "db" is scaled to 4
      Then pods "db-0", "db-2" and "db-3" stay missing

    @rcr-replicas-edit-mid
    Scenario: Then the range is the newest
      Given the set "db" is settled with 2 replicas at revision "blue"
      And the end of pod "db-1" is held up
      And its template changes to revision "green"
      And pod "db-0" disappears
      And the set "db" is scaled to 3
      When the end of pod "db-1" is let through
      Then the set "db" settles with pods "db-0" to "db-2"
      And pods "db-0" to "db-2" are at revision "green"

  Rule: New pods come as the pod management policy says

    @rcr-create-policy
    Scenario: One by one
      Given the set "db" is settled with 3 replicas at revision "blue"
      And readiness of new pods is withheld
      When its template changes to revision "green"
      Then pod "db-0" is replaced at revision "green"
      And pods "db-1" and "db-2" stay missing

    @rcr-create-policy
    Scenario: All at once
      Given its pod management policy is Parallel
      And the set "db" is settled with 3 replicas at revision "blue"
      And readiness of new pods is withheld
      When its template changes to revision "green"
      Then pods "db-0" to "db-2" are replaced at revision "green"

  Rule: A broken template is healed by a better one, and claims stay

    @rcr-heals-stuck
    Scenario: A template that no pod becomes Ready with
      Given the set "db" is settled with 2 replicas at revision "blue"
      And its template changes to the broken revision "green"
      And pod "db-0" is replaced at revision "green"
      When its template changes to revision "red"
      Then the set "db" settles with pods "db-0" and "db-1"
      And pods "db-0" and "db-1" are at revision "red"
      And its current revision becomes "red"

    @rcr-claims-kept
    Scenario: New pods use the claims of the old ones
      Given its pods claim storage "data"
      And the set "db" is settled with 2 replicas at revision "blue"
      When its template changes to revision "green"
      Then pods "db-0" and "db-1" are replaced at revision "green"
      And claims "data-db-0" and "data-db-1" are the same as before
      And the new "db-1" has the claims of the old one

  Rule: A controller that ends on the way goes on where it was

    @rcr-resume
    Scenario Outline: It ends at <when>
      Given its pod management policy is <policy>
      And the set "db" is settled with 3 replicas at revision "blue"
      And the controller's next 1 request to <verb> pods meets a crash <order> it
      When its template changes to revision "green"
      Then the set "db" settles with pods "db-0" to "db-2"
      And pods "db-0" to "db-2" are at revision "green"
      And its condition "Progressing" becomes "False"

      Examples:
        | when                         | policy       | verb   | order  |
        | the first deletion           | OrderedReady | delete | before |
        | a deletion that is done      | Parallel     | delete | after  |
        | a creation that is done      | OrderedReady | create | after  |

  Rule: Claims of pods that leave with the old revision are not reached

    @ret-recreate-claim-leak
    Scenario: The set shrinks as its template changes
      Given its pods claim storage "data"
      And its claim retention when scaled is Delete
      And the set "db" is settled with 2 replicas at revision "blue"
      When its description says
        """
        spec: {replicas: 1, template: {metadata: {annotations: {stsspec.dev/revision: green}}}}
        """
      Then pod "db-0" is replaced at revision "green"
      And the set "db" settles with pod "db-0"
      And claim "data-db-1" is the same as before

    @rcr-retention-edit-mid
    Scenario: The fate of claims changes while an old pod is left
      Given its pods claim storage "data"
      And the set "db" is settled with 2 replicas at revision "blue"
      And the end of pod "db-1" is held up
      And its template changes to revision "green"
      And pod "db-0" disappears
      When its claim retention when deleted becomes Delete
      Then claims "data-db-0" and "data-db-1" belong to nobody
