Feature: A set says which pods are its own
  A set that could not recognize the pods it makes would make more of them without end.
  Source: Kubernetes documentation, StatefulSet, pod selector.

  Rule: A selector is required, and it selects something

    @val-selector-required
    Scenario: No selector
      When the refused object "stateful-set/no-selector" is submitted
      Then the request is refused as "422 Invalid"
        | reason             | field                         | may be absent |
        | FieldValueRequired | spec.selector                 |               |
        | FieldValueInvalid  | spec.template.metadata.labels | yes           |

    @val-selector-empty
    Scenario: An empty selector
      When the refused object "stateful-set/empty-selector" is submitted
      Then the request is refused as "422 Invalid"
        | reason            | field         |
        | FieldValueInvalid | spec.selector |

  Rule: The selector matches the labels of the template

    @val-selector-template-mismatch
    Scenario: Pods of the template would not be selected
      Given the set "web" is planned
      And its description says
        """
        spec:
          selector: {matchLabels: {app: web, tier: cache}}
        """
      When the planned set "web" is submitted
      Then the request is refused as "422 Invalid"
        | reason            | field                         |
        | FieldValueInvalid | spec.template.metadata.labels |
