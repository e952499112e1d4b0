Feature: Ports and addresses lead to names
  A client can ask where a port is served, and whose address it sees.
  Source: Kubernetes DNS specification, SRV and PTR records of headless Services.

  Background:
    Given the headless Service "web" is created for the pods of "web"

  Rule: A named port is found at every Ready pod

    @dns-srv-n-by-m @dns-srv-target
    Scenario: One port and three pods
      When the set "web" is created with 3 replicas
      Then all pods of "web" become Ready
      And the port "web" of Service "web" is found at pods "web-0", "web-1" and "web-2"

    @dns-srv-n-by-m
    Scenario: Two ports
      Given the description of Service "web" says
        """
        spec:
          ports:
            - name: peer
              port: 7000
        """
      When the set "web" is created with 2 replicas
      Then all pods of "web" become Ready
      And the port "web" of Service "web" is found at pods "web-0" and "web-1"
      And the port "peer" of Service "web" is found at pods "web-0" and "web-1"

    @dns-srv-port-number
    Scenario: The port of the pods is told, not that of the Service
      Given the description of Service "web" says
        """
        spec:
          ports:
            - name: web
              port: 80
              targetPort: 8080
        """
      When the set "web" is created with 1 replica
      Then all pods of "web" become Ready
      And the port "web" of Service "web" is told to be 8080

    @dns-srv-unnamed-none
    Scenario: A port without a name
      Given the description of Service "web" says
        """
        spec:
          ports:
            - port: 80
        """
      When the set "web" is created with 1 replica
      Then all pods of "web" become Ready
      And the name "web" leads to pod "web-0"
      And the name "_web._tcp.web" does not exist

    @dns-no-ports-service
    Scenario: No port at all
      Given the description of Service "web" says
        """
        spec:
          ports: null
        """
      When the set "web" is created with 1 replica
      Then all pods of "web" become Ready
      And the name "web" leads to pod "web-0"
      And the name "web" exists without a record of type SRV

  Rule: The address of a pod leads back to its name

    @dns-ptr-two-services
    Scenario: A pod behind two Services
      Given the Service "front" is created for the pods of "web"
      When the set "web" is created with 2 replicas
      Then all pods of "web" become Ready
      And the address of pod "web-1" leads back to the names "web-1.web" and "$address.front"

    @dns-ptr-pod
    Scenario: Each pod by its address
      When the set "web" is created with 2 replicas
      Then all pods of "web" become Ready
      And the address of pod "web-1" leads back to the name "web-1.web"

  Rule: During a rolling update all members but one can be found

    @dns-update-window
    Scenario: The new pods are found under the old names
      Given the set "web" is settled with 2 replicas at revision "blue"
      When its template changes to revision "green"
      Then the pods move to "green" in the order "web-1", "web-0"
      And the name "web-0.web" leads to pod "web-0"
      And the name "web" leads to pods "web-0" and "web-1"
