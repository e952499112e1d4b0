Feature: A replica is available when it has been Ready for long enough
  Whoever rolls out with care waits for availability, not for the first sign of life.
  Source: Kubernetes API reference, StatefulSet, minReadySeconds and availableReplicas.

  Rule: Where no time is asked for, every Ready pod is available

    @st-available
    Scenario: Ready is available
      Given the set "web" is settled with 3 replicas
      When readiness of pod "web-2" is lost
      Then its status counts 2 available replicas
      And its status counts 2 Ready replicas

  Rule: A pod becomes available by time alone

    @st-available @st-available-timer
    Scenario: Nothing else happens
      Given the set "web" is planned
      And its number of seconds until a pod is available is 30
      When the set "web" is created with 1 replica
      Then its status counts 1 available replica when "web-0" has been Ready for 30 seconds, not before
      And its status counts 1 Ready replica

    @st-available
    Scenario: A pod that was not Ready for a moment begins anew
      Given the set "web" is planned
      And its number of seconds until a pod is available is 30
      And the set "web" is settled with 1 replica
      And readiness of pod "web-0" is lost
      And its status counts 0 Ready replicas
      When readiness of pod "web-0" is granted
      Then its status counts 1 available replica when "web-0" has been Ready for 30 seconds, not before

  Rule: Another time counts at once, for the pods as they are

    @st-available-live-edit
    Scenario: A longer time
      Given the set "web" is settled with 2 replicas
      When its number of seconds until a pod is available becomes 3600
      Then its status counts 0 available replicas
      And its status counts 2 Ready replicas
      And pods "web-0" and "web-1" are the same as before

    @st-available-live-edit
    Scenario: No time at all
      Given the set "web" is planned
      And its number of seconds until a pod is available is 3600
      And the set "web" is settled with 1 replica
      And its status counts 0 available replicas
      When its number of seconds until a pod is available becomes 0
      Then its status counts 1 available replica
      And pod "web-0" is the same as before
