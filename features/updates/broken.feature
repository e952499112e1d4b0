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

    @upd-stuck-revert-insufficient
    Scenario: Putting the template right is not enough
      Given the set "web" is settled with 3 replicas at revision "blue"
      And its template changes to the broken revision "green"
      And pod "web-2" becomes not Ready
      When its template changes to revision "blue"
      Then pods "web-0" to "web-2" are the same as before

    @upd-stuck-initial
    Scenario: The first revision of all was broken
      Given the set "web" is planned
      And its template changes to the broken revision "green"
      And the set "web" is created with 1 replica
      And pod "web-0" becomes Running
      When its template changes to revision "blue"
      Then pod "web-0" is the same as before

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

  Rule: With Parallel the pods that are not Ready are replaced first

    @upd-parallel-not-strict-order
    Scenario: The lowest pod is not Ready
      Given the set "web" is planned
      And its pod management policy is Parallel
      And the set "web" is settled with 3 replicas at revision "blue"
      And readiness of pod "web-0" is lost
      When its template changes to revision "green"
      Then pod "web-0" is replaced at revision "green"
      And pods "web-1" and "web-2" are the same as before

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
