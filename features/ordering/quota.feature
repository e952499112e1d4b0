Feature: A pod that is denied leaves the others alone
  A quota that is used up stops a set from growing and does no other harm.
  Source: Kubernetes API reference, StatefulSet, status; resource quotas.

  Rule: While a pod is denied the status reports the pods that exist and they keep running

    @ord-create-failure-keeps-status
    Scenario: The quota is used up by the first two pods
      Given the namespace allows 2 pods
      When the set "web" is created with 4 replicas
      Then pods "web-0" and "web-1" become Ready
      And its status counts 2 replicas
      And its status counts 2 Ready replicas
      And pod "web-2" stays missing
      And pods "web-0" and "web-1" stay Ready

  Rule: Once the denial is lifted the pod appears without any edit of the set

    @ord-create-failure-retries
    Scenario: The quota grows
      Given the namespace allows 1 pod
      And the set "web" is created with 2 replicas
      And pod "web-0" becomes Ready
      When the namespace allows 10 pods
      Then pod "web-1" becomes Ready

  Rule: A pod that is denied is tried again, each time after twice the time

    @ord-create-failure-backoff
    Scenario: The quota stays as it is
      Given the namespace allows 1 pod
      When the set "web" is created with 2 replicas
      Then pod "web-0" becomes Ready
      And pod "web-1" stays missing
      And each attempt to create pod "web-1" came after twice the time of the one before
