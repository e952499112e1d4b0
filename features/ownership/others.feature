Feature: What belongs to somebody else is left alone
  Two owners in one namespace do not fight, even if one is given the other's names.
  Source: Kubernetes documentation, owners and dependents; controllers and their objects.

  Rule: A pod of another controller is never touched

    @own-foreign-controller
    Scenario: It has the labels and the name of a member
      Given the set "web" is planned
      And the pod "web-1" is created by hand for "web"
      And pod "web-1" is given to somebody else
      When the set "web" is created with 3 replicas
      Then pod "web-0" becomes Ready
      And pod "web-1" belongs to somebody else
      And pod "web-1" is the same as before

  Rule: A pod that has the name of a member stands in its way until it is gone

    @own-name-squatter
    Scenario: It is there
      Given the set "web" is planned
      And the pod "web-1" is created by hand for "web"
        """
        metadata: {labels: {app: squatter}}
        """
      And pod "web-1" is given to somebody else
      When the set "web" is created with 3 replicas
      Then pod "web-0" becomes Ready
      And pod "web-2" stays missing
      And pod "web-1" is the same as before

    @own-name-squatter
    Scenario: It is gone
      Given the set "web" is planned
      And the pod "web-1" is created by hand for "web"
        """
        metadata: {labels: {app: squatter}}
        """
      And the set "web" is created with 3 replicas
      And pod "web-0" becomes Ready
      When pod "web-1" is lost
      Then the set "web" settles with pods "web-0" to "web-2"

  Rule: Two sets that select the same labels keep to the pods of their own names

    @own-overlapping-selectors
    Scenario: One of them is scaled down
      Given the set "web" is planned
      And its description says
        """
        spec:
          selector: {matchLabels: {app: shared}}
          template: {metadata: {labels: {app: shared}}}
        """
      And the set "web" is settled with 3 replicas
      And the set "zoo" is planned
      And its description says
        """
        spec:
          selector: {matchLabels: {app: shared}}
          template: {metadata: {labels: {app: shared}}}
        """
      And the set "zoo" is settled with 2 replicas
      When the set "web" is scaled to 1
      Then pods "web-2" and "web-1" disappear
      And the set "zoo" owns pods "zoo-0" and "zoo-1"
      And the set "web" owns pod "web-0"
      And pods "zoo-0" and "zoo-1" are the same as before

    @own-overlapping-selectors
    Scenario: One of them goes without its pods
      Given the set "web" is planned
      And its description says
        """
        spec:
          selector: {matchLabels: {app: shared}}
          template: {metadata: {labels: {app: shared}}}
        """
      And the set "web" is settled with 1 replica
      And the set "zoo" is planned
      And its description says
        """
        spec:
          selector: {matchLabels: {app: shared}}
          template: {metadata: {labels: {app: shared}}}
        """
      And the set "zoo" is settled with 2 replicas
      When the set "zoo" is deleted without its pods
      Then pods "zoo-0" and "zoo-1" belong to nobody
      And the set "web" owns pod "web-0"
      And pods "zoo-0" and "zoo-1" are the same as before

  Rule: A set of the same name is another set

    @own-recreated-set-uid
    Scenario: Pods of the earlier one are still on their way out
      Given the set "web" is settled with 2 replicas
      And the end of pods "web-0" and "web-1" is held up
      And the set "web" is deleted
      And the set "web" is planned as before
      When the set "web" is created with 2 replicas
      Then its observed generation becomes 1
      And its status counts 0 replicas

    @own-recreated-set-uid
    Scenario: They are gone
      Given the set "web" is settled with 2 replicas
      And the end of pods "web-0" and "web-1" is held up
      And the set "web" is deleted
      And the set "web" is planned as before
      And the set "web" is created with 2 replicas
      When the end of pods "web-0" and "web-1" is let through
      Then pods "web-0" and "web-1" are replaced
      And the set "web" owns pods "web-0" and "web-1"
