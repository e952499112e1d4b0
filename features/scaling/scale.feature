Feature: A set can be scaled by whoever knows nothing else of it
  Autoscalers and kubectl scale use the scale of a set, not the set.
  Source: Kubernetes API reference, autoscaling/v1 Scale.

  Rule: The scale shows the wanted and the real size, and how to find the pods

    @scale-sub-get @scale-hpa-compatible
    Scenario: The scale of a set of three
      Given the set "web" is settled with 3 replicas
      Then the scale of "web" shows 3 wanted and 3 there, and selects its pods

  Rule: A change of the scale is a change of the set

    @scale-sub-put
    Scenario: The scale is replaced
      Given the set "web" is settled with 1 replica
      When the scale of "web" is replaced by 3
      Then the set "web" settles with pods "web-0", "web-1" and "web-2"

    @scale-sub-patch
    Scenario: The scale is patched
      Given the set "web" is settled with 1 replica
      When the scale of "web" is patched to 3
      Then the set "web" settles with pods "web-0", "web-1" and "web-2"

  Rule: A scale that cannot be is refused

    @scale-sub-negative
    Scenario: A negative number of replicas
      Given the set "web" is settled with 1 replica
      When the scale of "web" is patched to -1
      Then the request is refused as "422 Invalid"
        | reason            | field         |
        | FieldValueInvalid | spec.replicas |
      And pod "web-0" is the same as before

    @scale-sub-conflict
    Scenario: A scale that was read before somebody else changed it
      Given the set "web" is settled with 1 replica
      And the scale of "web" is read
      And the set "web" is scaled to 2
      When the scale of "web" is replaced by 3
      Then the request is refused as "409 Conflict"
      And the set "web" settles with pods "web-0" and "web-1"
