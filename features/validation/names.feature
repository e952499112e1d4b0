Feature: Names of sets and of their Services fit into DNS
  Every pod has a name in DNS that is made of its set's name and its Service's name.
  Source: Kubernetes documentation, StatefulSet, pod identity; object names and IDs.

  Rule: The name of a set is a DNS label

    @val-name-dns-label
    Scenario Outline: A set with a <fault> name
      When the refused object "stateful-set/<object>" is submitted
      Then the request is refused as "422 Invalid"
        | reason            | field         |
        | FieldValueInvalid | metadata.name |

      Examples:
        | fault    | object       |
        | dotted   | dotted-name  |
        | capital  | capital-name |
        | too long | long-name    |

  Rule: The name of its Service is a DNS label, or there is none

    @val-service-name
    Scenario Outline: A <fault> Service name
      When the refused object "stateful-set/<object>" is submitted
      Then the request is refused as "422 Invalid"
        | reason            | field            |
        | FieldValueInvalid | spec.serviceName |

      Examples:
        | fault   | object                     |
        | dotted  | dotted-service-name        |
        | capital | service-name-with-capitals |

    @val-service-name
    Scenario Outline: <what>
      Given the set "web" is planned
      And its description says
        """
        spec: {serviceName: <name>}
        """
      When the planned set "web" is submitted
      Then the request is accepted without a warning

      Examples:
        | what                            | name |
        | A Service name with digit first | 1st  |
        | An empty Service name           | ""   |
        | No Service name                 | null |

  Rule: A name is used once at a time, and can be made by the server

    @val-duplicate-create
    Scenario: A second set of the same name
      Given the set "web" is settled with 1 replica
      When the planned set "web" is submitted
      Then the request is refused as "409 AlreadyExists"

    @val-generate-name
    Scenario: The server makes up the end of a name
      Given the set "web" is planned
      And its description says
        """
        metadata: {name: null, generateName: web-}
        spec: {replicas: 0}
        """
      When the planned set "web" is submitted
      Then the request is accepted
      And the answer reads
        """
        metadata: {generateName: web-, generation: 1}
        """
