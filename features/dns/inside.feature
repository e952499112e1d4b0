Feature: Members find each other by short names
  Configuration of a member need not know the namespace or the zone.
  Source: Kubernetes documentation, DNS for Services and Pods, namespaces of Services.

  Background:
    Given the headless Service "web" is created for the pods of "web"

  Rule: From a pod of the namespace every form of the name leads to the member

    @dns-short-names @dns-resolver-independent
    Scenario Outline: <name>
      When the set "web" is created with 2 replicas
      Then all pods of "web" become Ready
      And inside pod "web-0" the name "<name>" leads to pod "web-1"

      Examples:
        | name                            |
        | web-1.web                       |
        | web-1.web.$namespace            |
        | web-1.web.$namespace.svc        |
        | web-1.web.$namespace.svc.$zone  |
        | web-1.web.$namespace.svc.$zone. |

  Rule: From a pod of another namespace the short name leads nowhere

    @dns-short-names
    Scenario: The namespace has to be said
      When the set "web" is created with 2 replicas
      Then all pods of "web" become Ready
      And inside a pod of another namespace the name "web-1.web" leads to nowhere
      And inside a pod of another namespace the name "web-1.web.$namespace" leads to web-1

  Rule: A pod looks in its own namespace first

    @dns-resolv-conf
    Scenario: The search list
      When the set "web" is created with 1 replica
      Then pod "web-0" becomes Ready
      And the resolver of pod "web-0" searches "$namespace.svc.$zone", "svc.$zone" and "$zone"
