Feature: A pod that has to prove itself holds back its successors
  minReadySeconds gives a member time to fail before the next one starts.
  Source: Kubernetes documentation, StatefulSet, minimum ready seconds.

  Rule: With minReadySeconds a pod is created only when every pod with a lower ordinal has been Ready for that long

    @ord-gated-available
    Scenario: The next pod waits until its predecessor is available
      Given the set "web" is planned
      And its number of seconds until a pod is available is 5
      When the set "web" is created with 3 replicas
      Then pod "web-1" is created when "web-0" has been Ready for 5 seconds, not before
      And pod "web-2" is created when "web-1" has been Ready for 5 seconds, not before

    @ord-gated-available
    Scenario: A pod that is Ready but not available holds back the next one
      Given the set "web" is planned
      And its number of seconds until a pod is available is 86400
      When the set "web" is created with 2 replicas
      Then pod "web-0" becomes Ready
      And pod "web-1" stays missing
