Feature: A long failure does not delay what can be done now
  Whoever removes an obstacle after hours does not wait for the controller's next try.
  Source: the StatefulSet controller, work queue with back-off; any change of a pod queues its set.

  Rule: A change of a related object is acted on at once, however long the next try is away

    @rob-backoff-recovers
    Scenario: A quota that was used up for an hour
      Given the namespace allows 1 pod
      And the set "web" is created with 2 replicas
      And pod "web-0" becomes Ready
      And pod "web-1" stays missing
      And the namespace allows 10 pods
      When the annotation "note" of pod "web-0" changes to "look again"
      Then pod "web-1" becomes Ready
