Feature: A broken update stops at the first pod
  A mistake in a template costs one member, not the service.
  Source: Kubernetes documentation, StatefulSet, forced rollback.

  Rule: A template that never becomes Ready halts with exactly one broken pod

    @upd-stuck-broken
    Scenario: The lower pods are not touched
      Given the set "web" is settled with 3 replicas at revision "blue"
      When its template changes to the broken revision "green"
      Then pod "web-2" is replaced at revision "green"
      And pod "web-2" stays not Ready
      And pods "web-0" and "web-1" are the same as before

  Rule: With OrderedReady the broken pod has to be deleted by hand after the template was put right

    @upd-stuck-manual-delete
    Scenario: Somebody deletes the broken pod
      Given the set "web" is settled with 3 replicas at revision "blue"
      And its template changes to the broken revision "green"
      And pod "web-2" becomes not Ready
      And its template changes to revision "blue"
      When pod "web-2" is lost
      Then pod "web-2" is replaced at revision "blue"
      And the set "web" settles with pods "web-0" to "web-2"
      And its current revision becomes "blue"

  Rule: With Parallel the broken pod is replaced once the template is put right

    @upd-parallel-heals
    Scenario: Nobody has to delete anything
      Given the set "web" is planned
      And its pod management policy is Parallel
      And the set "web" is settled with 3 replicas at revision "blue"
      And its template changes to the broken revision "green"
      And pod "web-2" becomes not Ready
      When its template changes to revision "blue"
      Then pod "web-2" is replaced at revision "blue"
      And pods "web-0" and "web-1" are the same as before
