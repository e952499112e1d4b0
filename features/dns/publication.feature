Feature: A Service can publish members before they are Ready
  Members that need each other to become Ready find each other.
  Source: Kubernetes API reference, Service, publishNotReadyAddresses.

  Background:
    Given the headless Service "web" is created for the pods of "web"
    And the description of Service "web" says
      """
      spec:
        publishNotReadyAddresses: true
      """

  Rule: With publishNotReadyAddresses a pod has its name from the moment it has an address until it is gone

    @dns-publish-not-ready
    Scenario: A pod that is not Ready
      Given readiness of pod "web-1" is withheld
      When the set "web" is created with 2 replicas
      Then pod "web-1" becomes Running
      And the name "web-1.web" leads to pod "web-1"
      And the name "web" leads to pods "web-0" and "web-1"

    @dns-terminating-published
    Scenario: A pod that is on its way out
      Given the set "web" is planned
      And its pods take their time to end
      And the set "web" is settled with 2 replicas
      When pod "web-1" is lost
      Then the name "web-1.web" leads to pod "web-1"
      And pod "web-1" begins to terminate
