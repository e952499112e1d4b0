Feature: An autoscaler changes the size of a set and leaves the order to it
  A set may be scaled by a program that knows nothing of ordinals.
  Source: Kubernetes documentation, HorizontalPodAutoscaler on a StatefulSet.

  Rule: What is scaled by the scale is scaled in order

    @x-hpa
    Scenario: More load
      Given the set "web" is settled with 1 replica
      When the scale of "web" is patched to 3
      Then the set "web" settles with pods "web-0", "web-1" and "web-2"
      And the pods of "web" are created in the order "web-0", "web-1", "web-2"

    @x-hpa
    Scenario: Less load
      Given the set "web" is settled with 3 replicas
      When the scale of "web" is patched to 1
      Then the set "web" settles with pod "web-0"
      And the pods of "web" are deleted in the order "web-2", "web-1"

  Rule: The class of a volume can change while it is in use

    @x-volume-attributes-class
    Scenario: A claim gets faster
      Given the set "db" is planned
      And its pods claim storage "data"
      And the set "db" is settled with 1 replica
      When this merge patch of claim "data-db-0" is submitted
        """
        spec: {volumeAttributesClassName: fast}
        """
      Then the request is accepted
      And claim "data-db-0" is the same as before
      And claim "data-db-0" reads
        """
        spec: {volumeAttributesClassName: fast}
        """
