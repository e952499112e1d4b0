Feature: A rolling update replaces one pod at a time, from the top
  A service stays up while its members change.
  Source: Kubernetes documentation, StatefulSet, rolling updates.

  Rule: Pods are replaced from the highest ordinal to the lowest

    @upd-reverse-order @upd-recreate-not-mutate
    Scenario: Every pod moves to the new revision
      Given the set "web" is settled with 3 replicas at revision "blue"
      When its template changes to revision "green"
      Then the pods move to "green" in the order "web-2", "web-1", "web-0"
      And its current revision becomes "green"

    @upd-recreate-not-mutate
    Scenario: A pod is replaced, not changed
      Given the set "web" is settled with 2 replicas at revision "blue"
      When its template changes to revision "green"
      Then pod "web-1" is replaced at revision "green"
      And the new "web-1" has another UID than the old one
      And the new "web-1" came only after the old one was gone

  Rule: At most one pod is unavailable because of the update

    @upd-one-at-a-time
    Scenario: All others stay available
      Given the set "web" is settled with 4 replicas at revision "blue"
      When its template changes to revision "green"
      Then the pods move to "green" in the order "web-3", "web-2", "web-1", "web-0"
      And at no time is more than 1 pod of "web" unavailable

    @upd-parallel-updates-sequential
    Scenario: With the Parallel policy too
      Given the set "web" is planned
      And its pod management policy is Parallel
      And the set "web" is settled with 3 replicas at revision "blue"
      When its template changes to revision "green"
      Then the pods move to "green" in the order "web-2", "web-1", "web-0"
      And at no time is more than 1 pod of "web" unavailable

  Rule: The next pod is deleted only after the new one is Running and Ready

    @upd-wait-running-ready
    Scenario: The update waits for readiness
      Given the set "web" is settled with 3 replicas at revision "blue"
      And readiness of new pods is withheld
      When its template changes to revision "green"
      Then pod "web-2" is replaced at revision "green"
      And pods "web-0" and "web-1" are the same as before

    @upd-wait-running-ready
    Scenario: The update goes on when the new pod is Ready
      Given the set "web" is settled with 2 replicas at revision "blue"
      And readiness of new pods is withheld
      And its template changes to revision "green"
      And pod "web-1" becomes not Ready
      When readiness of pods "web-0" and "web-1" is granted
      Then pods "web-0" and "web-1" are at revision "green"
      And pod "web-0" is never deleted while "web-1" is not Ready

    @upd-wait-running-ready
    Scenario: The update waits for a probe
      Given the set "web" is planned
      And its pods answer a probe
      And its template changes to revision "blue"
      And the set "web" is created with 2 replicas
      And the probe of pods "web-0" and "web-1" succeeds
      When its template changes to revision "green"
      Then pod "web-1" is replaced at revision "green"
      And pod "web-0" is the same as before

    @upd-wait-available
    Scenario: The update waits until the new pod is available
      Given the set "web" is planned
      And its number of seconds until a pod is available is 5
      And the set "web" is settled with 2 replicas at revision "blue"
      And its status counts 2 available replicas
      When its template changes to revision "green"
      Then pod "web-0" is deleted when "web-1" has been Ready for 5 seconds, not before

  Rule: A pod that is at the new revision already is not restarted

    @upd-skip-current
    Scenario: One pod was updated before the others
      Given the rollout of "web" with 3 replicas from "blue" to "green" rests at partition 2
      When its rolling update is partitioned at ordinal 0
      Then the pods move to "green" in the order "web-1", "web-0"
      And pod "web-2" is the same as before

  Rule: A pod that is not Ready and not reached yet stops the update

    @upd-blocked-by-unready-lower
    Scenario: The first pod is not Ready
      Given the set "web" is settled with 3 replicas at revision "blue"
      And readiness of pod "web-0" is lost
      When its template changes to revision "green"
      Then pods "web-0" to "web-2" are the same as before

  Rule: A pod that is lost during an update comes back at the revision of its side of the partition

    @upd-deleted-pod-mid-update @rec-revision-at-or-above
    Scenario: A pod that the update has not reached is lost
      Given the set "web" is settled with 3 replicas at revision "blue"
      And its rolling update is partitioned at ordinal 0
      And readiness of new pods is withheld
      And its template changes to revision "green"
      And pod "web-2" becomes not Ready
      When pod "web-0" is lost
      Then pod "web-0" is replaced at revision "green"

    @upd-no-block-legacy
    Scenario: The strategy says nothing of a partition
      Given the set "web" is planned
      And its description says
        """
        spec:
          updateStrategy:
            type: RollingUpdate
            rollingUpdate: null
        """
      And the set "web" is settled with 3 replicas at revision "blue"
      And readiness of new pods is withheld
      And its template changes to revision "green"
      And pod "web-2" becomes not Ready
      When pod "web-0" is lost
      Then pod "web-0" is replaced at revision "blue"

  Rule: An update that cannot go on does no harm

    @upd-quota-denied
    Scenario: The quota leaves no room for the new pod
      Given the set "web" is settled with 3 replicas at revision "blue"
      And the namespace allows 2 pods
      When its template changes to revision "green"
      Then pod "web-2" disappears
      And pod "web-2" stays missing
      And pods "web-0" and "web-1" are the same as before

    @upd-quota-denied
    Scenario: The quota grows
      Given the set "web" is settled with 3 replicas at revision "blue"
      And the namespace allows 2 pods
      And its template changes to revision "green"
      And pod "web-2" disappears
      When the namespace allows 10 pods
      Then pods "web-0" to "web-2" are at revision "green"
      And at no time is more than 1 pod of "web" unavailable

    @upd-pdb-ignored
    Scenario: A disruption budget does not stop an update
      Given the set "web" is settled with 2 replicas at revision "blue"
      And no pod of "web" may be disrupted
      When its template changes to revision "green"
      Then the pods move to "green" in the order "web-1", "web-0"
