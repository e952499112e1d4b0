Feature: Pods have names of their own
  A member knows who it is from its name, and others can say whom they mean.
  Source: Kubernetes documentation, StatefulSet, pod identity.

  Rule: A pod is called after its set and its ordinal

    @id-pod-name
    Scenario: Ordinals are plain decimal numbers
      When the set "web" is created with 11 replicas
      Then the set "web" settles with pods "web-0" to "web-10"

  Rule: The host name of a pod is its name, whatever the template says

    @id-hostname
    Scenario: The template asks for another host name
      Given the set "web" is planned
      And its description says
        """
        spec:
          template:
            spec:
              hostname: elsewhere
        """
      When the set "web" is created with 2 replicas
      Then the host name of pod "web-0" is "web-0"
      And the host name of pod "web-1" is "web-1"

    @id-hostname-in-container
    Scenario: A process asks for its host name
      Given the headless Service "web" is created for the pods of "web"
      When the set "web" is created with 2 replicas
      Then pod "web-1" becomes Ready
      And the host name inside pod "web-1" is "web-1"

    @id-fqdn-in-container
    Scenario: A process asks for its full name
      Given the headless Service "web" is created for the pods of "web"
      When the set "web" is created with 2 replicas
      Then pod "web-1" becomes Ready
      And the full host name inside pod "web-1" is "web-1.web.$namespace.svc.$zone"

    @id-set-hostname-as-fqdn
    Scenario: The template asks for the full name as host name
      Given the headless Service "web" is created for the pods of "web"
      And the set "web" is planned
      And its description says
        """
        spec:
          template:
            spec:
              setHostnameAsFQDN: true
        """
      When the set "web" is created with 1 replica
      Then pod "web-0" becomes Ready
      And the host name of pod "web-0" is "web-0"
      And the host name inside pod "web-0" is "web-0.web.$namespace.svc.$zone"

  Rule: The subdomain of a pod is the name of the set's Service, whatever the template says

    @id-subdomain
    Scenario: The template asks for another subdomain
      Given the set "web" is planned
      And its service name is "peers"
      And its description says
        """
        spec:
          template:
            spec:
              subdomain: elsewhere
        """
      When the set "web" is created with 2 replicas
      Then the subdomain of pod "web-1" is "peers"

    @id-hostname-override
    Scenario: The template overrides the host name inside
      Given the headless Service "web" is created for the pods of "web"
      And the set "web" is planned
      And its description says
        """
        spec:
          template:
            spec:
              hostnameOverride: elsewhere
        """
      When the set "web" is created with 2 replicas
      Then all pods of "web" become Ready
      And the host name inside pod "web-1" is "elsewhere"
      And the host name of pod "web-1" is "web-1"
      And the name "web-1.web" leads to pod "web-1"

  Rule: A pod is named as one of its set

    @id-generate-name
    Scenario: The prefix of its name
      When the set "web" is created with 1 replica
      Then pod "web-0" becomes Ready
      And pod "web-0" reads
        """
        metadata: {name: web-0, generateName: web-}
        """

    @id-name-too-long
    Scenario: The name of the set leaves no room for its revision
      When the set "a-name-that-leaves-no-room-for-what-tells-revisions-apa" is created with 1 replica
      Then pod "a-name-that-leaves-no-room-for-what-tells-revisions-apa-0" stays missing

    @id-leading-zero-pod
    Scenario: A stranger's name looks like a member's
      Given the set "web" is settled with 1 replica
      And a one-off pod "web-00" runs
      When the label "app" of pod "web-00" changes to "web"
      Then the set "web" owns pod "web-00"
      And pod "web-0" is the same as before
