Feature: A pod that is deleted by force is replaced at once
  Whoever forces a deletion takes over the promise that no two pods run under one identity.
  Source: Kubernetes documentation, force delete StatefulSet pods.

  Rule: A pod deleted without a grace period vanishes at once and is replaced at once

    @rec-force-delete
    Scenario: The old pod is not waited for
      Given the set "web" is settled with 3 replicas
      When pod "web-1" is lost by force
      Then the new "web-1" came only after the old one was gone
      And the new "web-1" has the labels of the old one
      And pods "web-0" and "web-2" are the same as before
