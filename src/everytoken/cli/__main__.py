from everytoken.cli import main

main()
